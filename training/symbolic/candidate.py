"""Candidates for the law of a table, and the description length that compares them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from models.arrays import BoolArray, FloatArray, IntArray
from models.law import Law
from training.symbolic.functions import FUNCTIONS

ROUNDING_ERROR = 1e-12
"""Relative errors below this are rounding: two candidates that reach it fit equally well."""


SCALED = frozenset({"identity", "abs", "min", "max"})
"""Functions f with ``f(c * x) = c * f(x)`` for positive c."""


@dataclass(frozen=True)
class Candidate:
    """A product of powers of sums of products of powers of columns and features; see ``models.law.Law``.

    Args:
        exponents: ``(terms, columns + features)``.
        signs: what a negative column contributes to each term, ``(terms, columns + features)``: 1, -1 or nan.
        constants: ``(terms,)``.
        sum_index: index of the sum that each term belongs to, ``(terms,)``.
        sum_exponents: the power of each sum, ``(sums,)``.
        features: functions of other candidates, which follow the table's columns.
    """

    exponents: FloatArray
    signs: FloatArray
    constants: FloatArray
    sum_index: IntArray
    sum_exponents: FloatArray
    features: tuple["Feature", ...] = ()

    @property
    def width(self) -> int:
        """How many columns its table has."""
        return int(self.exponents.shape[1]) - len(self.features)

    @property
    def used(self) -> BoolArray:
        """Which columns of the table it is made of, ``(columns,)``."""
        used = (self.exponents != 0).any(0) | (self.signs != 1).any(0)
        return np.asarray(np.any([used[: self.width], *(law.used for law in self.inner_laws())], axis=0))

    @property
    def complexity(self) -> int:
        """How many numbers write it: 1, constants but 1 and -1, exponents but 0, those of sums but 1, and features."""
        constants = np.count_nonzero(np.abs(self.constants) != 1)
        own = constants + np.count_nonzero(self.exponents) + np.count_nonzero(self.sum_exponents != 1) + 1
        return int(own) + sum(law.complexity for law in self.inner_laws())

    def inner_laws(self) -> list["Candidate"]:
        """The arguments of its features, in order."""
        return [law for feature in self.features for law in feature.arguments]

    def columns(self, inputs: FloatArray) -> FloatArray:
        """The table's columns and the features, ``(rows, columns + features)``."""
        if not self.features:
            return inputs
        return np.column_stack([inputs, *(feature.values(inputs) for feature in self.features)])

    def terms(self, inputs: FloatArray) -> FloatArray:
        """The products of powers without their constants, ``(rows, terms)``."""
        values, columns = np.ones((len(inputs), len(self.exponents))), self.columns(inputs)
        with np.errstate(all="ignore"):
            for term, column in zip(*np.nonzero((self.exponents != 0) | (self.signs != 1)), strict=True):
                x, sign = columns[:, column], self.signs[term, column]
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
        kept = np.append(places, np.ones(len(self.features), dtype=np.bool_))
        exponents, signs = np.zeros((len(self.exponents), len(kept))), np.ones((len(self.exponents), len(kept)))
        exponents[:, kept], signs[:, kept] = self.exponents, self.signs
        features = tuple(feature.mapped(lambda law: law.widened(places)) for feature in self.features)
        return replace(self, exponents=exponents, signs=signs, features=features)

    def of_columns(self, places: BoolArray) -> "Candidate":
        """The same candidate on a table that has only these columns."""
        kept = np.append(places, np.ones(len(self.features), dtype=np.bool_))
        features = tuple(feature.mapped(lambda law: law.of_columns(places)) for feature in self.features)
        return replace(self, exponents=self.exponents[:, kept], signs=self.signs[:, kept], features=features)

    def network(self) -> Law:
        """The candidate as a network."""
        law = Law(**self._config())
        self._copy_to(law)
        return law.eval()

    def _config(self) -> dict[str, Any]:
        features = [
            {"function": feature.function, "arguments": [argument._config() for argument in feature.arguments]}
            for feature in self.features
        ]
        sizes = {"in_features": self.width, "terms": len(self.exponents), "sums": len(self.sum_exponents)}
        return {**sizes, "features": features}

    def _copy_to(self, law: Law) -> None:
        one_hot = np.zeros((len(self.sum_exponents), len(self.exponents)))
        one_hot[self.sum_index, np.arange(len(self.exponents))] = self.constants
        with torch.no_grad():
            for parameter, values in ((law.W, self.exponents), (law.C, one_hot), (law.V, self.sum_exponents)):
                parameter.copy_(torch.from_numpy(values))
            law.negative.copy_(torch.from_numpy(self.signs))
        networks = [network for feature in law.features for network in feature.arguments]  # type: ignore[union-attr]
        for argument, network in zip(self.inner_laws(), networks, strict=True):
            argument._copy_to(network)


@dataclass(frozen=True)
class Feature:
    """A function of one candidate, or of two, as a column of another; see ``models.law.Feature``.

    Args:
        function: a name out of ``models.functions.FUNCTIONS``.
        arguments: candidates of the table's columns. The first constant of a function whose scale its terms take up
            (``SCALED``) is not fitted.
    """

    function: str
    arguments: tuple[Candidate, ...]

    def values(self, inputs: FloatArray) -> FloatArray:
        """The feature on every row, ``(rows,)``; not finite where the function is not."""
        with np.errstate(all="ignore"):
            return FUNCTIONS[self.function].value(*(argument.predict(inputs) for argument in self.arguments))

    def mapped(self, change: Callable[[Candidate], Candidate]) -> "Feature":
        """The same function of changed arguments."""
        return replace(self, arguments=tuple(map(change, self.arguments)))


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
