"""iNALU's re-initialisation: a run whose error is high and does not fall is initialised again.

Schlör, Ring and Hotho 2020, in the settings of https://github.com/bmistry4/nalm-benchmark. There the interpolation
error of the last evaluation is recorded at every step and tested every 10 steps once there are 5,000; as it changes
only at an evaluation, here it is recorded and tested at each evaluation, once there are 5.
"""

from collections.abc import Sequence

import numpy as np

from models.arrays import FloatArray

RECORDED = 5
HIGH = 1.0


class Restarts:
    """Decides which replicas are initialised again.

    Args:
        seeds: of the replicas; every restart adds a million.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = list(seeds)
        self._errors: list[list[float]] = [[] for _ in seeds]

    def due(self, errors: FloatArray) -> tuple[list[int], list[int]]:
        """Record the errors of an evaluation; returns the replicas to initialise again and their new seeds."""
        replicas = []
        for i, error in enumerate(errors):
            self._errors[i].append(float(error))
            if len(self._errors[i]) > RECORDED and _stuck(self._errors[i]):
                self._errors[i] = []
                self.seeds[i] += 1_000_000
                replicas.append(i)
        return replicas, [self.seeds[i] for i in replicas]


def _stuck(errors: list[float]) -> bool:
    """Whether the second half is high, and the first half not above its mean and standard deviation."""
    first, second = errors[: len(errors) // 2], errors[len(errors) // 2 :]
    mean = float(np.mean(second))
    return mean > HIGH and float(np.mean(first)) <= mean + float(np.std(second))
