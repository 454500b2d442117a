"""Candidates for the law of a table, and the description length that compares them."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from models.arrays import BoolArray, FloatArray, IntArray
from models.law import Law

ROUNDING_ERROR = 1e-12
"""Relative errors below this are rounding: two candidates that reach it fit equally well."""


@dataclass(frozen=True)
class Candidate:
    """A product of powers of sums of products of powers; see ``models.law.Law`` for the equation.

    Args:
        exponents: ``(terms, columns)``.
        signs: what a negative input contributes to each term, ``(terms, columns)``: 1, -1 or nan.
        constants: ``(terms,)``.
        sum_index: index of the sum that each term belongs to, ``(terms,)``.
        sum_exponents: the power of each sum, ``(sums,)``.
    """

    exponents: FloatArray
    signs: FloatArray
    constants: FloatArray
    sum_index: IntArray
    sum_exponents: FloatArray

    @property
    def complexity(self) -> int:
        """How many numbers write it: 1, constants but 1 and -1, exponents but 0, and those of sums but 1."""
        constants = np.count_nonzero(np.abs(self.constants) != 1)
        return int(constants + np.count_nonzero(self.exponents) + np.count_nonzero(self.sum_exponents != 1) + 1)

    def terms(self, inputs: FloatArray) -> FloatArray:
        """The products of powers without their constants, ``(rows, terms)``."""
        values = np.ones((len(inputs), len(self.exponents)))
        with np.errstate(all="ignore"):
            for term, column in zip(*np.nonzero((self.exponents != 0) | (self.signs != 1)), strict=True):
                x, sign = inputs[:, column], self.signs[term, column]
                values[:, term] *= np.abs(x) ** self.exponents[term, column] * np.where(x < 0, sign, 1.0)
        return values

    def sums(self, inputs: FloatArray) -> FloatArray:
        """The sums before their outer powers, ``(rows, sums)``."""
        with np.errstate(all="ignore"):
            return self.summed(self.terms(inputs) * self.constants)

    def predict(self, inputs: FloatArray) -> FloatArray:
        """The law's values, ``(rows,)``."""
        return self.product(self.sums(inputs))

    def summed(self, weighted: FloatArray) -> FloatArray:
        """The sums of terms with their constants: ``(rows, terms)`` to ``(rows, sums)``."""
        return np.stack([weighted[:, self.sum_index == k].sum(1) for k in range(len(self.sum_exponents))], 1)

    def product(self, sums: FloatArray) -> FloatArray:
        """The product of the powers of sums: ``(rows, sums)`` to ``(rows,)``."""
        with np.errstate(all="ignore"):
            return np.asarray((sums**self.sum_exponents).prod(1))

    def widened(self, places: BoolArray) -> "Candidate":
        """The same candidate on a wider table that holds its columns at these places."""
        exponents, signs = np.zeros((len(self.exponents), len(places))), np.ones((len(self.exponents), len(places)))
        exponents[:, places], signs[:, places] = self.exponents, self.signs
        return replace(self, exponents=exponents, signs=signs)

    def of_columns(self, places: BoolArray) -> "Candidate":
        """The same candidate on a table that has only these columns."""
        return replace(self, exponents=self.exponents[:, places], signs=self.signs[:, places])

    def network(self) -> Law:
        """The candidate as a network."""
        terms, columns = self.exponents.shape
        law = Law(columns, terms, len(self.sum_exponents))
        one_hot = np.zeros((len(self.sum_exponents), terms))
        one_hot[self.sum_index, np.arange(terms)] = self.constants
        with torch.no_grad():
            for parameter, values in ((law.W, self.exponents), (law.C, one_hot), (law.V, self.sum_exponents)):
                parameter.copy_(torch.from_numpy(values))
            law.negative.copy_(torch.from_numpy(self.signs))
        return law.eval()


def signs_of(exponents: FloatArray, inputs: FloatArray) -> FloatArray:
    """What a negative input contributes: by parity for whole exponents, nan for others of positive columns, else 1."""
    whole = exponents == np.round(exponents)
    unseen = np.where((inputs > 0).all(0), np.nan, 1.0)
    return np.where(whole, 1.0 - 2 * (np.abs(exponents) % 2), unseen)


def different_rows(inputs: FloatArray, target: FloatArray) -> IntArray:
    """Places of the rows that repeat none before them, in order."""
    return np.sort(np.unique(np.column_stack([inputs, target]), axis=0, return_index=True)[1])


def description_length(
    prediction: FloatArray, target: FloatArray, parameters: int, weights: FloatArray | None = None
) -> float:
    """Bayesian information criterion: the less, the better; for errors in proportion or of one size, whichever fits.

    Schwarz 1978, "Estimating the dimension of a model". Errors in proportion are those of instruments, errors of one
    size those of rounding.

    Args:
        prediction: ``(rows,)``.
        target: ``(rows,)``.
        parameters: how many numbers the candidate takes to write down.
        weights: of the rows, their mean 1, ``(rows,)``; None: 1.
    """
    rows, size, w = len(target), np.abs(prediction), 1.0 if weights is None else weights
    with np.errstate(all="ignore"):
        squared = (prediction - target) ** 2
        same = rows * math.log(max(np.mean(w * squared), ROUNDING_ERROR**2 * np.mean(w * target**2)))
        ratio = max(np.mean(w * squared / size**2), ROUNDING_ERROR**2) if size.all() else math.inf
        proportional = rows * math.log(ratio) + 2 * (w * np.log(np.where(size > 0, size, 1.0))).sum()
    best = min(value if math.isfinite(value) else math.inf for value in (same, proportional))
    return best + parameters * math.log(rows)
