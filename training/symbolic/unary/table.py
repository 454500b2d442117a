"""A sample of a table's rows in logarithms, and products of powers of its columns."""

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from training.symbolic.candidate import different_rows
from training.symbolic.dictionary import monomials
from training.symbolic.monomial import MAX_ZERO_SHARE

ROWS, MIN_ROWS = 256, 40
"""Rows that scans see, at most, and at least."""

MIN_VALUES = 10
"""Of a column, to be inside a function or beside one."""
MAX_COLUMNS = 6
"""Of a table that is scanned without logarithms."""


@dataclass(frozen=True)
class LogTable:
    """Rows at which all columns and the target have a logarithm.

    Args:
        inputs: ``(rows, columns)``; of columns that are often 0 too, which have no power but 0 in the base.
        target: ``(rows,)``.
        weights: of the rows, small near zeros of the target, where its logarithm is steep, ``(rows,)``.
        columns: 1, the columns' logarithms and the decays, of which the base's logarithm is a sum, ``(rows, base)``.
        decays: exponents of products, of whose exponentials the base may have any power, ``(decays, columns)``.
        basis: an orthonormal basis of those columns, weighted: ``(rows, base)`` at most.
        goal: the logarithm of the target's magnitude, weighted, without its part in the basis, ``(rows,)``.
    """

    inputs: FloatArray
    target: FloatArray
    weights: FloatArray
    columns: FloatArray
    decays: FloatArray
    basis: FloatArray
    goal: FloatArray

    @classmethod
    def of(
        cls,
        inputs: FloatArray,
        target: FloatArray,
        random: np.random.Generator,
        near_zero: float = 0.1,
        decays: FloatArray | None = None,
    ) -> "LogTable | None":
        """Some of a table's rows; None if they are too few.

        Args:
            inputs: ``(rows, columns)``.
            target: ``(rows,)``.
            random: draws the rows.
            near_zero: share of the median magnitude of the target below which rows lose weight.
            decays: exponents of products whose exponentials are in the base, ``(decays, columns)``; None: of none.
        """
        decays = np.zeros((0, inputs.shape[1])) if decays is None else decays
        powers = (inputs == 0).mean(0) < MAX_ZERO_SHARE
        sound = different_rows(inputs, target)
        sound = sound[(inputs[sound][:, powers] != 0).all(1) & (target[sound] != 0)]
        rows = random.permutation(sound)[:ROWS]
        if len(rows) < MIN_ROWS or not powers.any():
            return None
        x, y = inputs[rows], target[rows]
        size = np.abs(y)
        weights = np.sqrt(size / (size + near_zero * np.median(size))) if near_zero else np.ones(len(y))
        columns = np.column_stack([np.ones(len(y)), np.log(np.abs(x[:, powers])), monomials(x, decays)])
        weighted = columns * weights[:, None]
        lengths = np.maximum(np.linalg.norm(weighted, axis=0), 1e-300)  # a column of 1 and -1 has no logarithms
        left, scale, _ = np.linalg.svd(weighted / lengths, full_matrices=False)
        basis = left[:, scale > 1e-9 * scale[0]]
        goal = np.log(size) * weights
        return cls(x, y, weights, columns, decays, basis, goal - basis @ (basis.T @ goal))

    def constants(self, logs: FloatArray) -> FloatArray:
        """The constants of ``columns`` that leave least of the target's logarithm beside others, ``(base,)``.

        Args:
            logs: of the factors beside the base, ``(rows,)``.
        """
        size = np.maximum(np.linalg.norm(self.columns, axis=0), 1e-300)
        rest = (np.log(np.abs(self.target)) - logs) * self.weights
        found = np.linalg.lstsq(self.columns * self.weights[:, None] / size, rest, rcond=1e-9)[0]
        return np.asarray(found / size)

    def products(self, exponents: FloatArray) -> FloatArray:
        """Products of powers, ``(products, rows)``."""
        with np.errstate(all="ignore"):
            return np.ascontiguousarray(monomials(self.inputs, exponents).T)


def exponent_rows(columns: int, largest: int, grids: dict[int, tuple[float, ...]]) -> FloatArray:
    """Exponents of products of one to ``largest`` columns, ``(products, columns)``.

    Args:
        columns: of the table.
        largest: columns in a product, at most.
        grids: exponents of each column in products of so many columns.
    """
    blocks = [np.zeros((0, columns))]
    for used in range(1, min(largest, columns) + 1):
        steps = np.array(list(product(grids[used], repeat=used)))
        for places in combinations(range(columns), used):
            rows = np.zeros((len(steps), columns))
            rows[:, places] = steps
            blocks.append(rows)
    return np.concatenate(blocks)


def up_to_scale(exponents: FloatArray) -> FloatArray:
    """Of products that are powers of one another only the simplest, the first exponent positive."""
    kept: dict[tuple[float, ...], FloatArray] = {}
    for row in exponents[np.argsort(np.abs(exponents).sum(1), kind="stable")]:
        first = row[np.flatnonzero(row)[0]]
        kept.setdefault(tuple((row / first).tolist()), row * np.sign(first))
    return np.array(list(kept.values())).reshape(-1, exponents.shape[1])


def both_signs(inputs: FloatArray) -> BoolArray:
    """Columns that are not positive everywhere, ``(columns,)``."""
    return np.asarray((inputs <= 0).any(0))


def few_valued(inputs: FloatArray) -> BoolArray:
    """Columns of so few values that a function of them with its constants fits any target: codes, ``(columns,)``."""
    return np.array([len(np.unique(column)) < MIN_VALUES for column in inputs.T], dtype=np.bool_)


def is_scanned(inputs: FloatArray) -> bool:
    """Whether a table is scanned without logarithms: it has few columns, and none of few values."""
    return 0 < inputs.shape[1] <= MAX_COLUMNS and not few_valued(inputs).any()


def many_valued_products(exponents: FloatArray, inputs: FloatArray) -> FloatArray:
    """Exponents of the products that hold no column of few values, ``(products, columns)``."""
    return np.asarray(exponents[~(exponents != 0)[:, few_valued(inputs)].any(1)])


def best(errors: FloatArray, count: int) -> IntArray:
    """Places of the least errors, the least first; none of those that are not finite."""
    count = min(count, len(errors))
    places = np.argpartition(errors, count - 1)[:count] if count else np.zeros(0, dtype=np.int64)
    places = places[np.argsort(errors[places], kind="stable")]
    return np.asarray(places[np.isfinite(errors[places])])
