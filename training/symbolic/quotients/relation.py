"""The relation that holds between terms of a quotient: the first of them that depends on those before it.

``y = P/Q`` is ``P - y Q = 0``: with enough rows, terms ``t`` of P and ``y s`` of Q, in the order of their degree, are
independent until the last term of the law is among them. One QR factorisation finds it, and a triangular system its
constants, whatever the number of terms and of columns that do not matter. That is how Buchberger and Möller (1982) find
the polynomials that vanish on points. It needs a target without noise, in float64.

A smooth function has approximations of this form too: each term more takes two to five digits off what is left, until
some twelve terms leave rounding. A law takes off ten at once, from its last term but one to its last, and has few
constants that are no plain numbers.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.linalg

from models.arrays import BoolArray, FloatArray, IntArray
from training.symbolic.quotients.whole_powers import products

DEPENDENT = 1e-11
"""Share of a term that those before it leave, at most, where it depends on them."""
DROP = 1e-7
"""What that share falls to, of the least before: a smooth function's approximations take many terms to get there."""
SHARES = (1e-9, 1e-7, 1e-5, 1e-3)
"""Of the largest part, below which a part of a relation counts as rounding."""
MAX_TERMS = 16
MAX_REMOVED = 6
"""Relations among the columns alone, at most, whose terms are left out."""
ROUNDING = 1e-13
HOLDS = 1e-12
"""Share of the sum of its parts' magnitudes that a relation leaves, at most, on each row that it was not fitted to."""
MAX_FREE = 4
"""Constants that are no plain numbers, at most, beside the one that may be 1."""
PLAIN_DIGITS, PLAIN_ERROR = 4, 1e-7


@dataclass(frozen=True)
class Relation:
    """``sum_i above_constants[i] t_i = y sum_j below_constants[j] s_j``.

    Args:
        above: exponents of the terms t, ``(terms, columns)``.
        below: exponents of the terms s, ``(terms, columns)``.
        above_constants: ``(terms,)``.
        below_constants: ``(terms,)``.
    """

    above: IntArray
    below: IntArray
    above_constants: FloatArray
    below_constants: FloatArray

    def is_plain(self) -> bool:
        """Whether few of its constants, one of them taken for 1, are no plain numbers."""
        constants = np.append(self.above_constants, self.below_constants)
        return min(sum(not _is_plain(c) for c in (constants / unit).tolist()) for unit in constants) <= MAX_FREE


def find_relation(
    inputs: FloatArray, target: FloatArray, above: IntArray, below: IntArray, lead: int = 0
) -> Relation | None:
    """The relation of least degree; None where there is none of few terms.

    Args:
        inputs: ``(rows, columns)``, more rows than terms.
        target: ``(rows,)``, not all zero.
        above: exponents of the terms to choose from, whole and 0 or more, ``(terms, columns)``.
        below: the same for the denominator.
        lead: how much higher the degree of the numerator may be.
    """
    scale, size = _size(inputs, axis=0), float(np.median(np.abs(target[target != 0])))
    x, y = inputs / scale, target / size
    for _ in range(MAX_REMOVED):
        terms = _Terms.of(x, y, above, below, lead)
        support = terms.first_dependent()
        if support is None:
            return None
        upper = support < len(above)
        if upper.any() and not upper.all():
            parts = terms.null_vector(support) / terms.norms[support]
            found = _relation(above, below, support, parts, scale, size)
            return found if terms.holds(support) and found.is_plain() else None
        leading = above[support[-1]] if upper.all() else below[support[-1] - len(above)]
        above, below = above[~_multiples(above, leading)], below[~_multiples(below, leading)]
    return None


@dataclass(frozen=True)
class _Terms:
    """The numerator's terms, then the denominator's times -y, each of length 1 on weighted rows.

    Args:
        values: ``(rows, terms)``.
        norms: the lengths they had, ``(terms,)``.
        order: of their degree, ``(terms,)``.
    """

    values: FloatArray
    norms: FloatArray
    order: IntArray

    @classmethod
    def of(cls, x: FloatArray, y: FloatArray, above: IntArray, below: IntArray, lead: int) -> "_Terms":
        values = np.concatenate([products(x, above), -y[:, None] * products(x, below)], 1)
        values /= (1 + np.abs(y))[:, None]
        norms = _size(values, axis=0)
        order = np.argsort(np.append(above.sum(1), below.sum(1) + lead + 0.5), kind="stable")
        return cls(values / norms, norms, order)

    def first_dependent(self) -> IntArray | None:
        """Places of the fewest terms between which a relation holds, the last of them last; None if none does."""
        rows, terms = self.values.shape
        triangle = scipy.linalg.qr(self.values[:, self.order], mode="r", check_finite=False)[0][: min(rows, terms)]
        left = np.abs(np.diag(triangle))
        before = np.minimum.accumulate(np.append(1.0, left[:-1]))
        for place in np.flatnonzero((left < DEPENDENT) & (left < DROP * before))[:2].tolist():
            parts = scipy.linalg.solve_triangular(
                triangle[:place, :place], -triangle[:place, place], check_finite=False
            )
            support = self._few(self.order[: place + 1], np.append(parts, 1.0), float(left[place]))
            if support is not None:
                return support
        return None

    def _few(self, places: IntArray, parts: FloatArray, error: float) -> IntArray | None:
        """The places whose parts are no rounding; None where those are many."""
        size = np.abs(parts) / np.abs(parts).max()
        for share in reversed(SHARES):
            kept = size > share
            kept[-1] = True
            few: IntArray = places[kept]
            if len(few) <= MAX_TERMS and self._error(few) <= max(10 * error, ROUNDING):
                return few
        return None

    def _error(self, places: IntArray) -> float:
        """What the best relation between some terms leaves."""
        return float(np.linalg.svd(self.values[:, places], compute_uv=False)[-1])

    def null_vector(self, places: IntArray, rows: slice = slice(None)) -> FloatArray:
        """Constants of the relation between some terms that holds best on some rows, ``(places,)``."""
        return np.asarray(np.linalg.svd(self.values[rows][:, places], full_matrices=False)[2][-1])

    def holds(self, places: IntArray) -> bool:
        """Whether the relation that half of the rows have holds to rounding on each of the others."""
        parts = self.values[1::2][:, places] * self.null_vector(places, slice(0, None, 2))
        return bool((np.abs(parts.sum(1)) <= HOLDS * np.abs(parts).sum(1)).all())


def _relation(
    above: IntArray, below: IntArray, support: IntArray, constants: FloatArray, scale: FloatArray, size: float
) -> Relation:
    """The relation of the columns as they are, before they were divided by a scale, and the target by its size."""
    upper = support < len(above)
    t, s = above[support[upper]], below[support[~upper] - len(above)]
    return Relation(t, s, size * constants[upper] / (scale**t).prod(1), constants[~upper] / (scale**s).prod(1))


def _multiples(exponents: IntArray, of: IntArray) -> BoolArray:
    return np.asarray((exponents >= of).all(1))


def _size(values: FloatArray, axis: int) -> FloatArray:
    norms = np.linalg.norm(values, axis=axis)
    return np.asarray(np.where(norms > 0, norms, 1.0))


def _is_plain(constant: float) -> bool:
    """Whether a constant is one of a few digits, or a small fraction, as far as a fit can tell."""
    if constant == 0 or not np.isfinite(constant):
        return False
    near = float(f"{constant:.{PLAIN_DIGITS - 1}e}"), float(Fraction(constant).limit_denominator(12))
    return min(abs(value / constant - 1) for value in near) < PLAIN_ERROR
