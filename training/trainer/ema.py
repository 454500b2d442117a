"""The exponential moving average (EMA) of a network's weights, which is often better than the last of them.

Polyak and Juditsky 1992; with a decay that warms up, as TensorFlow's ``ExponentialMovingAverage`` does, so that the
random initial weights are soon forgotten.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """The average ``A`` of a network's weights ``W``; ``update_parameters`` makes it ``d A + (1 - d) W``.

    ``d`` is ``decay``, at step ``t`` at most ``(1 + t) / (10 + t)``. The statistics of batch normalisation are averaged
    alike, so they fit the averaged weights; counters are copied.

    Args:
        network: the network in training.
        decay: 0 to below 1; 0.999 averages over about the last thousand steps.

    Raises:
        ValueError: decay is out of its range.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"The decay of an average must lie in 0 to below 1, got {decay}.")

    def update(averages: Sequence[Tensor], weights: Sequence[Tensor], updates: Tensor | int) -> None:
        share = 1 - min(decay, int(updates) / (9 + int(updates)))
        for average, weight in zip(averages, weights, strict=True):
            if average.is_floating_point():
                average.lerp_(weight, share)
            else:
                average.copy_(weight)

    ema = AveragedModel(network, multi_avg_fn=update, use_buffers=True)
    ema.update_parameters(network)  # the first update copies: the average starts with the initial weights
    return ema


@contextmanager
def averaged(network: nn.Module, ema: AveragedModel) -> Iterator[None]:
    """The network with the averaged weights; afterwards it has its own again."""
    own = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(ema.module.state_dict())
    try:
        yield
    finally:
        network.load_state_dict(own)
