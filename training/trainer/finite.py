"""Whether the weights of a network are finite: one that is not spoils every prediction, and cannot be trained away."""

from torch import Tensor, nn


def first_not_finite(network: nn.Module) -> str | None:
    """A weight that is not finite, as ``the weight 'head.W' is nan``; None if all are.

    A buffer may hold infinity, as masks do, unless it is a running statistic of a normalisation.
    """
    for name, weight in network.named_parameters():
        if not weight.isfinite().all():
            return f"the weight '{name}' is {_example(weight)}"
    for name, buffer in network.named_buffers():
        sound = buffer.isfinite() if "running_" in name else ~buffer.isnan()
        if not sound.all():
            return f"the buffer '{name}' is {_example(buffer)}"
    return None


def _example(values: Tensor) -> float:
    return float(values.detach()[~values.isfinite()][0])
