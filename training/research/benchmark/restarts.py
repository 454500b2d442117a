"""iNALU's re-initialisation: a run whose error is high and does not fall draws new start values.

Schlör, Ring and Hotho 2020, in the settings of https://github.com/bmistry4/nalm-benchmark. There the interpolation
error of the last evaluation is noted at every step and judged every 10 steps once 5,000 are noted; as it changes only
at an evaluation, here it is noted and judged at each evaluation, once 5 are noted.
"""

from collections.abc import Sequence

import numpy as np

from models.arrays import FloatArray

NOTED = 5
HIGH = 1.0


class Restarts:
    """Decides which replicas start anew.

    Args:
        seeds: the replicas' own; a restart takes the seed, plus a million for every restart so far.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = list(seeds)
        self._noted: list[list[float]] = [[] for _ in seeds]

    def due(self, errors: FloatArray) -> tuple[list[int], list[int]]:
        """Note the errors of an evaluation; returns the replicas to start anew and the seeds to do it with."""
        replicas = []
        for i, error in enumerate(errors):
            self._noted[i].append(float(error))
            if len(self._noted[i]) > NOTED and _stuck(self._noted[i]):
                self._noted[i] = []
                self.seeds[i] += 1_000_000
                replicas.append(i)
        return replicas, [self.seeds[i] for i in replicas]


def _stuck(noted: list[float]) -> bool:
    """Whether the second half is high, and the first half not above its mean and standard deviation."""
    first, second = noted[: len(noted) // 2], noted[len(noted) // 2 :]
    mean = float(np.mean(second))
    return mean > HIGH and float(np.mean(first)) <= mean + float(np.std(second))
