"""Screening of wide tables: which few of hundreds of columns a target depends on.

Iterated sure independence screening (Fan and Lv 2008): the column that a target depends on most is chosen, then what a
smooth function of the chosen ones leaves of the target is screened again, so that a strong term hides no weak one.
A product of columns of both signs depends on neither alone; where no column stands out, all pairs are screened, by one
product of matrices. Four views of the target are screened: itself, its ranks (a few huge values decide nothing), its
inverse (a quotient by a sum is a sum), and the logarithm of its magnitude (a product is a sum).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.arrays import BoolArray, FloatArray, IntArray
from training.symbolic.deadline import NO_DEADLINE, Deadline, DeadlineError
from training.symbolic.forward_selection import centred, chance

MAX_COLUMNS = 8
"""Columns that a screen chooses, at most: what the search for sums of products can take."""
MAX_ROWS, MIN_ROWS, MAX_CELLS = 2_000, 400, 2_000_000
"""Rows that are screened, at most, of so many columns that rows times columns is less than ``MAX_CELLS``."""
MAX_PAIR_WORK = 5e9
"""Multiplications to screen all pairs, at most: with more columns fewer rows count, and at last no inverses."""
MIN_PAIR_ROWS = 200
PAIR_BLOCK, CHECKED_PAIRS = 1_024, 200
"""Features whose products are computed at a time, and how many of those are looked at twice."""
CLIPPED = 0.05
"""Share of the rows with the smallest magnitudes whose inverse is cut off."""
SOLVED = 1e-6
"""Share of a view's variance that may be left when its columns are found."""


def screened_columns(
    inputs: FloatArray, target: FloatArray, random: np.random.Generator, deadline: Deadline = NO_DEADLINE
) -> Iterator[IntArray]:
    """Columns that a target depends on, in ascending order: one set for each view of the target that shows any.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        random: draws rows from longer tables.
        deadline: checked before every step; the columns found until then are returned.

    Raises:
        DeadlineError: it has passed, after the columns found until then.
    """
    rows = random.permutation(len(target))[: screened_rows(inputs.shape[1])]
    x, y = inputs[rows], target[rows]
    features = Features.of(x, deadline)
    for view in views(y):
        chosen = _chosen(features, view, deadline)
        if len(chosen):
            yield np.sort(np.array(chosen, dtype=np.int64))
        deadline.check()


def screened_rows(columns: int) -> int:
    """How many rows of so many columns are screened, at most."""
    return max(MIN_ROWS, min(MAX_ROWS, MAX_CELLS // columns))


def depends(
    inputs: FloatArray, errors: FloatArray, held_out: BoolArray, share: float, deadline: Deadline = NO_DEADLINE
) -> bool:
    """Whether one column, or a product of two, explains more than a share of the variance of errors' ranks.

    It is chosen by some rows and confirmed by those held out.

    Raises:
        DeadlineError: it has passed.
    """
    rest = centred(_normal_scores(errors)[:, None])[:, 0]
    features = Features.of(inputs, deadline)
    seen, others = features.at(~held_out), features.at(held_out)
    for found in (_best_single(seen, rest[~held_out], []), _best_pair(seen, rest[~held_out], deadline)):
        product = centred(others.values[:, list(found)].astype(np.float64).prod(1, keepdims=True))[:, 0]
        if found and (product @ centred(rest[held_out, None])[:, 0]) ** 2 > share:
            return True
    return False


def views(target: FloatArray) -> Iterator[FloatArray]:
    """The target's logarithm, itself, its inverse and its ranks, each with the mean 0 and the length 1, ``(rows,)``."""
    nonzero = np.abs(target[target != 0])
    smallest = nonzero.min()
    inverse = _inverse(target[:, None])[:, 0]
    for view in (np.log(np.maximum(np.abs(target), smallest)), target, inverse, _normal_scores(target)):
        if np.ptp(view) > 0:
            yield centred(view[:, None])[:, 0]


def _normal_scores(values: FloatArray) -> FloatArray:
    """Ranks, as quantiles of a normal distribution, ``(rows,)``."""
    from scipy.stats import norm, rankdata  # slow to import, and only for wide tables

    return np.asarray(norm.ppf(rankdata(values) / (len(values) + 1)))


@dataclass(frozen=True)
class Features:
    """Functions of single columns, each with the mean 0 and the length 1; the columns themselves first, then inverses.

    Args:
        values: ``(rows, features)``, float32.
        columns: the column of each, ``(features,)``.
    """

    values: NDArray[np.float32]
    columns: IntArray

    @classmethod
    def of(cls, inputs: FloatArray, deadline: Deadline = NO_DEADLINE) -> "Features":
        """The columns, their squares or inverses, and the logarithms of their magnitudes."""
        blocks = []
        for function in (np.asarray, _inverse, log_magnitudes, np.square):
            deadline.check()
            blocks.append(centred(function(inputs)).astype(np.float32))
        values = np.concatenate(blocks, 1)
        return cls(values, np.tile(np.arange(inputs.shape[1]), len(blocks)))

    @property
    def paired(self) -> int:
        """How many features, the first ones, have products that are screened: columns and inverses."""
        return len(self.columns) // 2

    def at(self, rows: BoolArray) -> "Features":
        """The features on some rows."""
        return replace(self, values=centred(self.values[rows].astype(np.float64)).astype(np.float32))


def log_magnitudes(inputs: FloatArray) -> FloatArray:
    """Logarithms of magnitudes, ``(rows, columns)``; a zero counts as the smallest magnitude of its column."""
    size = np.abs(inputs)
    smallest = np.where(size > 0, size, np.inf).min(0)
    return np.asarray(np.log(np.where(size > 0, size, np.where(np.isfinite(smallest), smallest, 1.0))))


def _inverse(values: FloatArray) -> FloatArray:
    """Inverses, those of the smallest magnitudes cut off, ``(rows, columns)``."""
    floor = np.quantile(np.abs(values), CLIPPED, axis=0)
    floor = np.where(floor > 0, floor, np.abs(values).max(0))
    floor = np.where(floor > 0, floor, 1.0)
    return np.asarray(np.where(values < 0, -1.0, 1.0) / np.maximum(np.abs(values), floor))


def _chosen(features: Features, view: FloatArray, deadline: Deadline) -> list[int]:
    """Columns that a view of the target depends on, the strongest first."""
    chosen: list[int] = []
    rest = view
    try:
        while len(chosen) < MAX_COLUMNS and rest @ rest > SOLVED:
            deadline.check()
            found = _best_single(features, rest, chosen) or _best_pair(features, rest, deadline)
            new = [column for column in features.columns[list(found)].tolist() if column not in chosen]
            if not new:
                break
            chosen += list(dict.fromkeys(new))[: MAX_COLUMNS - len(chosen)]
            rest = _left_over(features, view, chosen)
    except DeadlineError:
        pass
    return chosen


def _best_single(features: Features, rest: FloatArray, chosen: list[int]) -> tuple[int, ...]:
    """The feature, of a column that is not chosen, that correlates most with what is left over; none by chance."""
    match = np.abs(rest.astype(np.float32) @ features.values)
    match[np.isin(features.columns, chosen)] = 0.0
    best = int(match.argmax())
    return (best,) if match[best] > chance(len(match), len(rest)) * np.linalg.norm(rest) else ()


def _best_pair(features: Features, rest: FloatArray, deadline: Deadline) -> tuple[int, ...]:
    """The two features whose product correlates most with what is left over; none where chance explains that.

    Features have the mean 0, so a product holds what neither column has alone. Products are compared by their
    covariance with the rest, that is by one product of matrices, and the best of them by their correlation.
    """
    products = features.paired**2 // 2
    if chance(products, len(rest)) >= 1:
        return ()
    rows = int(np.clip(MAX_PAIR_WORK / features.paired**2, MIN_PAIR_ROWS, len(rest)))
    paired = min(features.paired, int(np.sqrt(MAX_PAIR_WORK / rows)))
    z, goal = features.values[:rows, :paired], rest[:rows].astype(np.float32)
    best = []
    for begin in range(0, paired, PAIR_BLOCK):
        deadline.check()
        covariance = np.abs((z[:, begin : begin + PAIR_BLOCK] * goal[:, None]).T @ z[:, begin:])
        top = np.argpartition(covariance, -min(CHECKED_PAIRS, covariance.size), axis=None)[-CHECKED_PAIRS:]
        best.append(begin + np.stack(np.unravel_index(top, covariance.shape)))
    left, right = np.concatenate(best, 1)
    match = np.abs(rest @ centred(features.values[:, left].astype(np.float64) * features.values[:, right]))
    place = int(match.argmax())
    significant = match[place] > chance(products, len(rest)) * np.linalg.norm(rest)
    return (int(left[place]), int(right[place])) if significant else ()


def _left_over(features: Features, view: FloatArray, chosen: list[int]) -> FloatArray:
    """What a weighted sum of the chosen columns' features and of their products leaves of a view, ``(rows,)``."""
    singles = features.values[:, np.isin(features.columns, chosen)].astype(np.float64)
    left, right = np.triu_indices(singles.shape[1])
    basis = np.concatenate([singles, singles[:, left] * singles[:, right]], 1)[:, : len(view) // 4]
    basis = centred(basis)
    answer = basis @ np.linalg.lstsq(basis, view, rcond=1e-7)[0]
    return view - answer
