"""Laws that add a product with a wave, an exponential or a root to others, found by least squares without powers.

Some products of columns are a base that takes whatever constants fit best. Beside them stands one feature, an outer
product times a function of an inner one, whose factor inside the function is scanned on a grid, as in a periodogram
(Lomb 1976, Scargle 1982); all constants outside follow in closed form. The best are refined by Levenberg-Marquardt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import Candidate, Feature, different_rows
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.unary.build import sum_of
from training.symbolic.unary.grids import products
from training.symbolic.unary.shapes import CALLS

ROWS, MIN_ROWS = 300, 60
SOLVED = 1e-20
"""Squared error, as a share of the target's, at which a law is found."""
REFINED = 6
"""Of the best of every scan."""
EXACT_FIT: dict[str, Any] = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "max_nfev": 60}
"""Options of least squares that end at rounding."""
MAX_TERMS = 6
KEPT = 1e-6
"""Terms below this share of the largest are rounding."""
LARGEST_ANGLE, STEP = 26.0, 0.35
SPANS = np.array([0.2, 0.4, 0.7, 1.0, 1.4, 1.9, 2.5, 3.2, 4.0, 5.0, 6.5])
RATES = np.array([0.3, 0.7, 1.2, 1.8, 2.5, 3.3, 4.2, 5.2])
RATIOS = np.array([-0.97, -0.8, -0.5, -0.2, 0.1, 0.3, 0.7, 1.5, 3.0, 7.0, 20.0])
WAVE = "wave"
"""Sine and cosine of the same angle, which are one wave with a phase."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a table, a base of products, and the products that a feature may be made of.

    Args:
        inputs: ``(rows, columns)``.
        target: scaled to a root mean square of 1, ``(rows,)``.
        scale: what it was divided by.
        base: exponents of the base's products, ``(products, columns)``.
        basis: an orthonormal basis of the products' values, ``(rows, rank)``.
    """

    inputs: FloatArray
    target: FloatArray
    scale: float
    base: FloatArray
    basis: FloatArray

    @classmethod
    def of(cls, inputs: FloatArray, target: FloatArray, base: FloatArray, random: np.random.Generator) -> "Rows | None":
        """Of a table; None where rows are too few, or the base explains them."""
        once = different_rows(inputs, target)
        rows = random.permutation(once[(inputs[once] != 0).all(1)])[:ROWS]
        if len(rows) < MIN_ROWS:
            return None
        x, scale = inputs[rows], float(np.sqrt(np.mean(target[rows] ** 2))) or 1.0
        left, size, _ = np.linalg.svd(products(x, base) / _lengths(products(x, base)), full_matrices=False)
        found = cls(x, target[rows] / scale, scale, base, left[:, size > 1e-10 * size[0]])
        return found if (found.rest**2).sum() > SOLVED * len(rows) else None

    @property
    def rest(self) -> FloatArray:
        """What the base leaves of the target, ``(rows,)``."""
        return np.asarray(self.target - self.basis @ (self.basis.T @ self.target))


@dataclass(frozen=True)
class Term:
    """An outer product times a function of a sum of inner ones, times a decay in one product.

    Args:
        outer: exponents, ``(columns,)``.
        function: ``WAVE``, a name of ``CALLS``, or ``root`` for ``sqrt(1 + v)``, ``shifted`` for ``log(1 + v)``.
        inner: exponents of the products inside, ``(products, columns)``.
        factors: of those, ``(products,)``.
        damped: exponents of the product in the exponent of a decay; None without one.
        rate: of the decay.
    """

    outer: FloatArray
    function: str
    inner: FloatArray
    factors: FloatArray
    damped: FloatArray | None = None
    rate: float = 0.0

    def values(self, inputs: FloatArray, factors: FloatArray | None = None) -> FloatArray:
        """Of one column, or two for a wave: ``(rows, columns)``; the last factor is the rate where there is a decay."""
        p = self.parameters if factors is None else factors
        angle = products(inputs, self.inner) @ p[: len(self.inner)]
        outer = products(inputs, self.outer[None])[:, 0]
        if self.damped is not None:
            outer = outer * np.exp(-p[-1] * products(inputs, self.damped[None])[:, 0])
        with np.errstate(all="ignore"):
            return outer[:, None] * np.stack(function_values(self.function, angle), 1)

    @property
    def parameters(self) -> FloatArray:
        return self.factors if self.damped is None else np.append(self.factors, self.rate)


def function_values(function: str, v: FloatArray) -> list[FloatArray]:
    """Values of a term's function; sine and cosine for a wave."""
    with np.errstate(all="ignore"):
        if function == WAVE:
            return [np.cos(v), np.sin(v)]
        if function in ("root", "shifted"):
            return [np.sqrt(1 + v) if function == "root" else np.log(1 + v)]
        return [CALLS[function](v)]


def scan(
    rows: Rows,
    outer: FloatArray,
    terms: Sequence[Term],
    factors: FloatArray,
    deadline: Deadline = NO_DEADLINE,
) -> Iterator[Term]:
    """Terms that leave least beside the base, the best first.

    Args:
        rows: the table.
        outer: exponents of outer products that are tried with every term.
        terms: with functions and inner products; their own outer products are multiplied by these.
        factors: values of every term, ``(rows, width * terms)``, one after the other; two of a wave.
        deadline: checked before every outer product.
    """
    goal, width = rows.rest, factors.shape[1] // max(len(terms), 1)
    least, found = [], []
    for place, row in enumerate(products(rows.inputs, outer).T):
        deadline.check()
        gains = captured(rows, factors * row[:, None], goal, width)
        for best in np.argsort(-gains)[:2]:
            least.append(gains[best])
            found.append((place, int(best)))
    ranks = np.argsort(-np.array(least))
    for rank in dict.fromkeys([*ranks[:REFINED], *range(min(2, len(found)))]):
        place, best = found[rank]
        term = terms[best]
        yield Term(term.outer + outer[place], term.function, term.inner, term.factors, term.damped, term.rate)


def captured(rows: Rows, values: FloatArray, goal: FloatArray, width: int) -> FloatArray:
    """Shares of a goal that columns, or pairs of them, explain beside the base: ``(columns / width,)``."""
    values = np.where(np.isfinite(values).all(0), values, 0.0)
    before = (values**2).sum(0)
    values = values - rows.basis @ (rows.basis.T @ values)
    size, right = (values**2).sum(0), goal @ values
    sound = size > 1e-9 * before
    if width == 1:
        return np.asarray(np.where(sound, right**2 / np.maximum(size, 1e-300), 0.0))
    cross = (values[:, ::2] * values[:, 1::2]).sum(0)
    a, b, p, q = size[::2], size[1::2], right[::2], right[1::2]
    determinant = a * b - cross**2
    gain = (p**2 * b - 2 * p * q * cross + q**2 * a) / np.maximum(determinant, 1e-300)
    return np.asarray(np.where(sound[::2] & sound[1::2] & (determinant > 1e-9 * a * b), gain, 0.0))


def refined(rows: Rows, term: Term, deadline: Deadline = NO_DEADLINE) -> Term | None:
    """The term with the factors that leave least; None if it leaves more than rounding."""
    goal = rows.rest
    start = term.parameters
    size = np.where(start, np.abs(start), 1.0)

    def rest(share: FloatArray) -> FloatArray:
        deadline.check()
        values = term.values(rows.inputs, share * size)
        if not np.isfinite(values).all():
            return goal * 1e3
        values = values - rows.basis @ (rows.basis.T @ values)
        return np.asarray(goal - values @ np.linalg.lstsq(values, goal, rcond=None)[0])

    fit = scipy.optimize.least_squares(rest, start / size, **EXACT_FIT)
    if not (fit.fun**2).sum() < SOLVED * len(goal):
        return None
    count = len(term.inner)
    best = fit.x * size
    rate = term.rate if term.damped is None else float(best[-1])
    return Term(term.outer, term.function, term.inner, best[:count], term.damped, rate)


def candidate_of(rows: Rows, term: Term, inputs: FloatArray) -> Candidate | None:
    """The sum of the base's products that matter and a term, of all rows; None if those are many, or not the term."""
    values = term.values(rows.inputs)
    design = np.column_stack([products(rows.inputs, rows.base), values])
    size = _lengths(design)
    kept = np.arange(design.shape[1])
    for _ in range(3):
        constants = np.linalg.lstsq(design[:, kept] / size[kept], rows.target, rcond=None)[0]
        strong = np.abs(constants) > KEPT * np.abs(constants).max()
        kept, constants = kept[strong], constants[strong]
    constants = constants / size[kept] * rows.scale
    own = kept >= len(rows.base)
    if not own.any() or len(kept) > MAX_TERMS:
        return None
    base = rows.base[kept[~own]]
    factor = float(np.hypot(*constants[own])) if own.sum() == 2 else float(constants[own][0])
    inside = factor**2 if term.function == "root" and not term.outer.any() else 1.0
    features = _features(term, kept[own] - len(rows.base), constants[own], rows.inputs, inside)
    factor /= np.sqrt(inside)
    outer = np.concatenate([term.outer, np.ones(len(features))])
    exponents = np.column_stack([base, np.zeros((len(base), len(features)))])
    exponents = np.concatenate([exponents, outer[None]])
    return sum_of(exponents, np.append(constants[~own], factor), inputs, features)


def _features(
    term: Term, places: IntArray, constants: FloatArray, inputs: FloatArray, inside: float
) -> tuple[Feature, ...]:
    """The term's functions; a factor stands inside a root."""
    inner, factors = term.inner, term.factors
    name, power = term.function, 1.0
    if name == WAVE:
        name = "sin" if len(places) == 1 and places[0] == 1 else "cos"
        if len(places) == 2:
            inner, factors = _with_one(inner), np.append(factors, -np.arctan2(constants[1], constants[0]))
    elif name in ("root", "shifted"):
        inner, factors = _with_one(inner), np.append(factors, 1.0) * inside
        name, power = ("identity", 0.5) if name == "root" else ("log", 1.0)
    features = [Feature(name, (sum_of(inner, factors, inputs, power=power),))]
    if term.damped is not None:
        features.append(Feature("exp", (sum_of(term.damped[None], np.array([-term.rate]), inputs),)))
    return tuple(features)


def _with_one(inner: FloatArray) -> FloatArray:
    return np.concatenate([inner, np.zeros((1, inner.shape[1]))])


def _lengths(values: FloatArray) -> FloatArray:
    lengths = np.sqrt(np.mean(values**2, 0))
    return np.where((lengths > 0) & np.isfinite(lengths), lengths, 1.0)
