"""The moving average of a network's weights, which is often better than the last of them.

Polyak and Juditsky 1992; with a decay that warms up, as TensorFlow's ``ExponentialMovingAverage`` does, so that the
random weights of the start are soon forgotten.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

State = dict[str, Tensor]


class MovingAverage:
    """Weights ``A``, moved towards the network's ``W`` after every step: ``A = d A + (1 - d) W``.

    ``d`` is ``decay``, at step ``t`` at most ``(1 + t) / (10 + t)``. Batch normalisation's statistics are averaged in
    the same way, so they fit the averaged weights; counters are taken over as they are.

    Args:
        network: the network that is being trained; its tensors must stay the same objects.
        decay: 0 to below 1; 0.999 averages over about the last thousand steps.

    Raises:
        ValueError: decay is out of its range.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"The decay of an average must lie in 0 to below 1, got {decay}.")
        self._decay = decay
        self._steps = 0
        self._now: State = dict(network.state_dict())
        self._average: State = {name: value.clone() for name, value in self._now.items()}

    def update(self) -> None:
        """Take in the weights after one more step."""
        share = 1 - min(self._decay, (1 + self._steps) / (10 + self._steps))
        self._steps += 1
        with torch.no_grad():
            for name, value in self._now.items():
                if value.is_floating_point():
                    self._average[name].lerp_(value, share)
                else:
                    self._average[name].copy_(value)

    def take_place(self) -> None:
        """Put the average into the network."""
        with torch.no_grad():
            for name, value in self._now.items():
                value.copy_(self._average[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the average into the network for a while."""
        kept = {name: value.clone() for name, value in self._now.items()}
        self.take_place()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, value in self._now.items():
                    value.copy_(kept[name])

    def state(self) -> dict[str, object]:
        """What it takes to go on later."""
        return {"steps": self._steps, "average": self._average}

    def restore(self, state: dict[str, object]) -> None:
        """Go on from ``state()``."""
        steps, average = state["steps"], state["average"]
        assert isinstance(steps, int)
        assert isinstance(average, dict)
        self._steps = steps
        for name, value in self._average.items():
            value.copy_(average[name])
