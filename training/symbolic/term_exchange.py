"""Finds which terms a sum, or a quotient of sums, is made of: exchanges one term at a time for the best there is.

``y = sum_i a_i t_i / sum_j b_j s_j`` with terms t, s out of a dictionary of signed products of powers is linear in its
constants once it is written as ``sum_i a_i t_i = y sum_j b_j s_j``. From many random choices of terms at once, each
term in turn is given up and replaced by the one of the whole dictionary that leaves the least error with the others.
Rows are weighted by the size of target and denominator, so that the error is that of y and not that of the equation
(Sanathanan and Koerner 1963).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.arrays import FloatArray, IntArray
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.dictionary import Dictionary

COLLINEAR = 1e-4
"""Share of a term's square that the other terms must leave, or it is no candidate beside them."""
PROMISING = 2_000
"""Terms that match the target best; half of all start values are drawn from them."""


def exchange_terms(
    dictionary: Dictionary,
    target: FloatArray,
    random: np.random.Generator,
    *,
    numerator: int,
    denominator: int = 0,
    weight: float = 1.0,
    starts: int = 48,
    sweeps: int = 10,
    deadline: Deadline = NO_DEADLINE,
) -> Iterator[tuple[float, IntArray]]:
    """Exchange terms, and yield the best choice after every sweep.

    Args:
        dictionary: the terms.
        target: ``(rows,)``, finite, not all zero.
        random: for start values.
        numerator: terms of the numerator, at least 1.
        denominator: terms of the denominator, 0 (then it is 1) or at least 2.
        weight: rows count with ``|y| ** -weight``.
        starts: choices that are improved side by side.
        sweeps: most rounds over all terms.
        deadline: checked before every term.

    Yields:
        The relative error, and the places of the chosen terms in the dictionary: the numerator's first.
    """
    problem = _Problem.of(dictionary, target, numerator, denominator, weight)
    choices = _Choices(problem.drawn(starts, random), np.ones((starts, len(target))))
    for _ in range(sweeps):
        for place in random.permutation(problem.terms).tolist():
            deadline.check()
            choices.terms[:, place] = problem.best_terms(choices, place, problem.anchor(place, random))
            if not problem.is_sum:
                choices.scale = problem.solved(choices).scale
        best = int((errors := problem.solved(choices).errors).argmin())
        yield float(errors[best]), choices.terms[best].copy()
        repeated = choices.repeated()
        choices.terms[repeated], choices.scale[repeated] = problem.drawn(len(repeated), random), 1.0


@dataclass
class _Choices:
    """Choices of terms that are improved side by side.

    Args:
        terms: places in the dictionary, the numerator's first, ``(starts, terms)``.
        scale: size of each denominator on every row, its median 1, ``(starts, rows)``; 1 for sums.
    """

    terms: IntArray
    scale: FloatArray

    def repeated(self) -> IntArray:
        """Those that equal an earlier one up to the order of terms, ``(repeated,)``."""
        _, first = np.unique(np.sort(self.terms, 1), axis=0, return_index=True)
        return np.setdiff1d(np.arange(len(self.terms)), first)


class _Solution(NamedTuple):
    """The constants' least squares fit of every choice.

    Args:
        errors: relative, ``(starts,)``.
        scale: as that of ``_Choices``, ``(starts, rows)``.
    """

    errors: FloatArray
    scale: FloatArray


@dataclass(frozen=True)
class _Problem:
    """The equation ``sum_i a_i t_i = y sum_j b_j s_j`` on weighted rows, its terms to be chosen.

    Args:
        dictionary: the terms to choose from.
        squares: their squares, ``(rows, dictionary)``, float32.
        target: y, scaled to a root mean square of 1, ``(rows,)``.
        weights: of the rows, by the size of y, ``(rows,)``.
        promising: places of the terms that match the target best, ``(PROMISING,)`` at most.
        numerator: how many terms t; the denominator's s follow them in a choice.
        terms: how many in all.
    """

    dictionary: Dictionary
    squares: NDArray[np.float32]
    target: FloatArray
    weights: FloatArray
    promising: IntArray
    numerator: int
    terms: int

    @classmethod
    def of(
        cls, dictionary: Dictionary, target: FloatArray, numerator: int, denominator: int, weight: float
    ) -> "_Problem":
        y = target / np.sqrt(np.mean(target**2))
        weights = (np.abs(y) + 1e-2 * np.median(np.abs(y))) ** -weight
        weighted = dictionary.values * weights.astype(np.float32)[:, None]
        match = np.abs((y * weights).astype(np.float32) @ weighted) / np.linalg.norm(weighted, axis=0)
        promising = np.argsort(-match)[:PROMISING]
        return cls(dictionary, dictionary.values**2, y, weights, promising, numerator, numerator + denominator)

    @property
    def is_sum(self) -> bool:
        return self.terms == self.numerator

    def drawn(self, count: int, random: np.random.Generator) -> IntArray:
        """Random terms, half of them among those that match the target best: ``(count, terms)``."""
        shape = (count, self.terms)
        anywhere = random.integers(0, self.dictionary.values.shape[1], shape)
        is_promising = random.random(shape) < 0.5
        return np.where(is_promising, random.choice(self.promising, shape), anywhere)

    def anchor(self, place: int, random: np.random.Generator) -> int | None:
        """A term of the denominator, other than that at a place, whose constant is fixed at 1; None for a sum."""
        others = [other for other in range(self.numerator, self.terms) if other != place]
        return None if self.is_sum else int(random.choice(others))

    def best_terms(self, choices: _Choices, place: int, anchor: int | None) -> IntArray:
        """The term that leaves the least error at a place beside the others, for every choice: ``(starts,)``.

        With r what the other columns leave of the goal, and Q their orthonormal basis, a column v takes
        ``(r^T v)**2 / (v^T v - |Q^T v|**2)`` off the squared error. The goal is y, or the anchor's column: a quotient's
        equation is homogeneous.
        """
        weights = self.weights / choices.scale
        columns = self._columns(choices.terms, weights)
        others = [other for other in range(self.terms) if other not in (place, anchor)]
        goal = weights * self.target if anchor is None else -columns[:, :, anchor]
        basis, rest = _projected(columns[:, :, others], goal)
        factor = weights if place < self.numerator else weights * self.target  # v is the term times this
        products = self._with_all_terms(np.concatenate([rest[:, :, None], basis], 2) * factor[:, :, None])
        squares = (factor**2).astype(np.float32) @ self.squares
        left = squares - (products[:, 1:] ** 2).sum(1)
        gain = np.where(left > COLLINEAR * squares, products[:, 0] ** 2 / np.maximum(left, 1e-30), -1.0)
        return np.asarray(gain.argmax(1))

    def solved(self, choices: _Choices) -> _Solution:
        """The fit of all constants of every choice."""
        weights = self.weights / choices.scale
        columns = self._columns(choices.terms, weights)
        return self._sums(columns, weights) if self.is_sum else self._quotients(columns, weights)

    def _sums(self, columns: FloatArray, weights: FloatArray) -> _Solution:
        goal = weights * self.target
        _, rest = _projected(columns, goal)
        return _Solution(np.linalg.norm(rest, axis=1) / np.linalg.norm(goal, axis=1), np.ones_like(weights))

    def _quotients(self, columns: FloatArray, weights: FloatArray) -> _Solution:
        """The right singular vector of the least singular value holds the constants; errors count up to 1 a row."""
        size = np.linalg.norm(columns, axis=1)
        _, _, right = np.linalg.svd(columns / size[:, None, :], full_matrices=False)
        parts = columns * (right[:, -1] / size)[:, None, :]
        above = parts[:, :, : self.numerator].sum(2)
        below = -parts[:, :, self.numerator :].sum(2)  # y times the denominator, weighted
        with np.errstate(divide="ignore", invalid="ignore"):
            errors = np.sqrt(np.mean(np.minimum(((above - below) / below) ** 2, 1.0), 1))
            scale = np.abs(below / (weights * self.target))
            scale = scale / np.median(scale, axis=1, keepdims=True)
        return _Solution(np.nan_to_num(errors, nan=1.0), np.clip(np.nan_to_num(scale, nan=1.0), 1e-2, 1e2))

    def _columns(self, terms: IntArray, weights: FloatArray) -> FloatArray:
        """The chosen terms, the denominator's times -y, weighted: ``(starts, rows, terms)``."""
        chosen = self.dictionary.values.T[terms].astype(np.float64).transpose(0, 2, 1)
        chosen[:, :, self.numerator :] *= -self.target[None, :, None]
        return np.asarray(chosen * weights[:, :, None])

    def _with_all_terms(self, vectors: FloatArray) -> NDArray[np.float32]:
        """Inner products with every term: ``(starts, rows, vectors)`` to ``(starts, vectors, dictionary)``."""
        starts, rows, count = vectors.shape
        flat = vectors.transpose(0, 2, 1).reshape(starts * count, rows).astype(np.float32)
        return np.asarray((flat @ self.dictionary.values).reshape(starts, count, -1))


def _projected(columns: FloatArray, goal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """An orthonormal basis of columns ``(starts, rows, columns)``, and what it leaves of a goal ``(starts, rows)``."""
    basis = np.linalg.qr(columns)[0]
    return basis, goal - np.einsum("srk,sk->sr", basis, np.einsum("srk,sr->sk", basis, goal))
