"""The candidates of a search that are kept beside the best: other shapes, and the best of each complexity."""

import math
from dataclasses import dataclass, field
from typing import TypeVar

from models.arrays import IntArray
from training.symbolic.candidate import Candidate

Key = TypeVar("Key")

SIZE = 24
"""Shapes that are kept."""
MIN_GAIN = 1.0
"""How much less a longer candidate's misfit must be for the front: half a logarithm of a likelihood ratio."""
MAX_FRONT = 16
"""Candidates of a front, at most."""


@dataclass(frozen=True)
class PoolEntry:
    """A fitted candidate, and how well it does.

    Args:
        candidate: of its columns alone.
        columns: places of those; None: all.
        length: its description length.
    """

    candidate: Candidate
    columns: IntArray | None
    length: float

    @property
    def shape(self) -> tuple[object, ...]:
        """What tells it from others but for its constants."""
        return (None if self.columns is None else tuple(self.columns.tolist()), *shape_of(self.candidate))


@dataclass
class CandidatePool:
    """The shortest candidates of different shapes, and the shortest of each complexity."""

    shapes: dict[tuple[object, ...], PoolEntry] = field(default_factory=dict)
    by_complexity: dict[int, PoolEntry] = field(default_factory=dict)
    _longest: float = math.inf

    def offer(self, entry: PoolEntry) -> None:
        """Keep a candidate if it is among the best."""
        if not math.isfinite(entry.length):
            return
        _keep_shorter(self.by_complexity, entry.candidate.complexity, entry)
        if entry.length < self._longest:
            _keep_shorter(self.shapes, entry.shape, entry)
            if len(self.shapes) > SIZE:
                longest = max(self.shapes, key=lambda shape: self.shapes[shape].length)
                del self.shapes[longest]
                self._longest = max(each.length for each in self.shapes.values())

    def shortest(self) -> list[PoolEntry]:
        """Candidates of different shapes, the shortest description first."""
        return sorted(self.shapes.values(), key=lambda entry: entry.length)

    def front(self, rows: int) -> list[PoolEntry]:
        """The best of each complexity, of those that fit better than all less complex ones; the shortest is one.

        Args:
            rows: that they were fitted to.
        """
        front: list[PoolEntry] = []
        least = math.inf
        for complexity, entry in sorted(self.by_complexity.items()):
            misfit = entry.length - complexity * math.log(rows)
            if misfit < least - MIN_GAIN or not front:
                front.append(entry)
                least = misfit
        while len(front) > MAX_FRONT:
            del front[-1 if front[-1].length > min(entry.length for entry in front) else 0]
        return front


def shape_of(candidate: Candidate) -> tuple[object, ...]:
    """A candidate without its constants, whatever the order of its terms."""
    terms = zip(candidate.exponents.tolist(), candidate.signs.tolist(), candidate.sum_index.tolist(), strict=True)
    rows = tuple(sorted((tuple(exponents), str(signs), index) for exponents, signs, index in terms))
    features = tuple(
        (feature.function, *(shape_of(argument) for argument in feature.arguments)) for feature in candidate.features
    )
    return rows, tuple(candidate.sum_exponents.tolist()), features


def _keep_shorter(entries: dict[Key, PoolEntry], key: Key, entry: PoolEntry) -> None:
    if key not in entries or entry.length < entries[key].length:
        entries[key] = entry
