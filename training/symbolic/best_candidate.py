"""The best candidate of a search so far, and whether it is a law."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from training.metrics import relative_rmse
from training.symbolic.acceptance import EXACT, LEARNABLE, UNDECIDED, rejection_reason
from training.symbolic.candidate import Candidate, description_length
from training.symbolic.constants import fit_constants
from training.symbolic.deadline import Deadline
from training.symbolic.evidence.variable import TableReason
from training.symbolic.pool import CandidatePool, PoolEntry
from training.symbolic.residuals import MIN_LEARNABLE_SHARE
from training.symbolic.rivals.rivals import MIN_GAP, Rival, RivalSearch
from training.symbolic.screening import depends, screened_rows
from training.symbolic.search_space import ANY_LAW, SearchSpace
from training.symbolic.stages import Stage

RIVALS = "other formulas explain the rows equally well"
"""Why a candidate with rivals is rejected."""
RIVAL_SECONDS = 0.5
"""Time for rivals in any case."""
MIN_BITS = 20
"""Information in the targets of held-out rows, below which a law of a few of many columns may be chance."""


@dataclass
class BestCandidate:
    """The candidate of the shortest description so far.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        rows: places of those that candidates are made of and fitted to; None: all. All decide.
        weights: of all rows, their mean 1, ``(rows,)``; None: 1.
        space: candidates outside it are passed over.
        names: of the columns, for reasons; None: ``x0``, ``x1`` and so on.
        fitted: the candidate, of its columns alone; None before the first.
        columns: places of those; None: all.
        length: its description length.
        reason: why it is rejected: ``UNDECIDED`` until asked, None where it is accepted.
        pool: the best of the others.
        rivals: of the candidate, where that is why it is rejected.
    """

    inputs: FloatArray
    target: FloatArray
    rows: IntArray | None = None
    weights: FloatArray | None = None
    space: SearchSpace = ANY_LAW
    names: Sequence[str] | None = None
    fitted: Candidate | None = None
    columns: IntArray | None = None
    length: float = math.inf
    reason: str | None = UNDECIDED
    pool: CandidatePool = field(default_factory=CandidatePool)
    rivals: list[Rival] = field(default_factory=list)

    def seen(self, columns: IntArray | None = None) -> tuple[FloatArray, FloatArray]:
        """The rows that candidates are made of, of some columns or all."""
        inputs = self.inputs if columns is None else self.inputs[:, columns]
        return (inputs, self.target) if self.rows is None else (inputs[self.rows], self.target[self.rows])

    @property
    def seen_weights(self) -> FloatArray | None:
        """The weights of the rows that candidates are made of; None: 1."""
        return self.weights if self.weights is None or self.rows is None else self.weights[self.rows]

    @property
    def candidate(self) -> Candidate:
        """The candidate, of all columns."""
        assert self.fitted is not None
        return self._widened(PoolEntry(self.fitted, self.columns, self.length))

    @property
    def is_table(self) -> bool:
        """Whether it is exact and refused for the few values of a column alone, as longer candidates will be."""
        if not isinstance(self.reason, TableReason):
            return False
        return relative_rmse(self.candidate.predict(self.inputs), self.target) <= EXACT

    def offer(self, stage: Stage, deadline: Deadline) -> None:
        """Fit the constants of candidates, and keep the best."""
        if not stage.candidates:
            return
        x, y = self.seen(stage.columns)
        weights = self.seen_weights
        for candidate in stage.candidates:
            for fitted in fit_constants(candidate, x, y, deadline, weights):
                length = description_length(fitted.predict(x), y, fitted.complexity, weights)
                if not self.space.allows(fitted):
                    continue
                self.pool.offer(PoolEntry(fitted, stage.columns, length))
                if length < self.length:
                    self.fitted, self.columns, self.length, self.reason = fitted, stage.columns, length, UNDECIDED

    def front(self) -> list[tuple[Candidate, float]]:
        """The best candidate of each complexity, of all columns, with its relative RMSE on the rows fitted to."""
        front = []
        for entry in self.pool.front(len(self.target) if self.rows is None else len(self.rows)):
            x, y = self.seen(entry.columns)
            front.append((self._widened(entry), relative_rmse(entry.candidate.predict(x), y, self.seen_weights)))
        return front

    def decide(self, deadline: Deadline, *, noise: bool) -> None:
        """Accept or reject the candidate, unless that is decided; without ``noise``, accept exact fits only.

        A rival so much shorter that it would dismiss the candidate takes its place, where it is accepted.
        """
        if self.fitted is None or self.reason != UNDECIDED:
            return
        decided = self._narrow_reason if self.rows is None else self._wide_reason
        reason, self.rivals = decided(deadline, noise=noise), []
        if reason is None:  # undecided until rivals are looked for: the time may be up
            self.rivals = self._find_rivals(deadline.no_earlier_than(RIVAL_SECONDS))
            reason = RIVALS if self.rivals else None
        if self.rivals and self.rows is None and self.rivals[0].bits < -MIN_GAP:
            likelier = replace(self, fitted=self.rivals[0].candidate, columns=None, reason=UNDECIDED, rivals=[])
            likelier.decide(deadline, noise=noise)
            if likelier.reason is None:
                self.fitted, self.columns, self.rivals, reason = likelier.fitted, None, [], None
        self.reason = reason

    def _narrow_reason(self, deadline: Deadline, *, noise: bool) -> str | None:
        """``rejection_reason``, of all columns."""
        table = self.candidate, self.inputs, self.target, self.weights
        return rejection_reason(*table, noise=noise, deadline=deadline, names=self.names)

    def _find_rivals(self, deadline: Deadline) -> list[Rival]:
        """Candidates of the pool, and neighbours of the best, that explain all rows as well."""
        best, others = self.candidate, [self._widened(entry) for entry in self.pool.shortest()]
        used = np.any([best.used, *(other.used for other in others)], axis=0)
        used[: int(not used.any())] = True
        search = RivalSearch(best.of_columns(used), self.inputs[:, used], self.target, self.weights, deadline)
        found = [
            replace(
                rival,
                candidate=rival.candidate.widened(used),
                parts_at={int(np.flatnonzero(used)[place]): value for place, value in rival.parts_at.items()},
            )
            for rival in search.rivals(other.of_columns(used) for other in others)
        ]
        return [rival for rival in found if self.space.allows(rival.candidate)]

    def _wide_reason(self, deadline: Deadline, *, noise: bool) -> str | None:
        """As ``rejection_reason``, of the columns that the candidate is made of, and then of all the others."""
        candidate = self.candidate
        used = candidate.used
        used[: int(not used.any())] = True
        narrow = candidate.of_columns(used)
        names = None if self.names is None else [name for name, kept in zip(self.names, used, strict=True) if kept]
        reason = rejection_reason(
            narrow, self.inputs[:, used], self.target, self.weights, noise=noise, deadline=deadline, names=names
        )
        if reason is not None:
            return reason
        if self._held_out_bits() < MIN_BITS:
            return f"{len(self.target)} rows are too few to tell a law of a few among {len(used)} columns from chance"
        exact = rejection_reason(narrow, self.inputs[:, used], self.target, self.weights, noise=False) is None
        return None if exact or not self._depends_on_others(candidate, deadline) else LEARNABLE

    def _depends_on_others(self, candidate: Candidate, deadline: Deadline) -> bool:
        """Whether the errors follow from some of all columns."""
        assert self.rows is not None
        most = screened_rows(self.inputs.shape[1])
        seen, others = self.rows[:most], np.setdiff1d(np.arange(len(self.target)), self.rows)[:most]
        places, held_out = np.append(seen, others), np.repeat([False, True], [len(seen), len(others)])
        x = self.inputs[places]
        return depends(x, self.target[places] - candidate.predict(x), held_out, MIN_LEARNABLE_SHARE, deadline)

    def _held_out_bits(self) -> float:
        """How many bits the targets of the rows hold that nothing was fitted to."""
        assert self.rows is not None
        shares = np.unique(self.target, return_counts=True)[1] / len(self.target)
        return float((len(self.target) - len(self.rows)) * -(shares * np.log2(shares)).sum())

    def _widened(self, entry: PoolEntry) -> Candidate:
        """An entry's candidate, of all columns."""
        if entry.columns is None:
            return entry.candidate
        mask: BoolArray = np.zeros(self.inputs.shape[1], dtype=np.bool_)
        mask[entry.columns] = True
        return entry.candidate.widened(mask)
