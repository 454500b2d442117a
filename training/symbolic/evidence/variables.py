"""The variables of a candidate: columns, products of powers that terms differ by, arguments of functions."""

from collections.abc import Iterator

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from training.symbolic.all_constants import all_constants
from training.symbolic.candidate import Candidate, Feature
from training.symbolic.evidence.bits import FUNCTION, all_exponents, exponent_bits, fitted_exponents, structure_bits
from training.symbolic.evidence.variable import Variable

MIN_TERMS = 3
"""Of a formula in a product of powers; of two terms, their columns are tested alone."""


def variables(candidate: Candidate, inputs: FloatArray) -> Iterator[Variable]:
    """Every variable of the candidate, with the terms that are one formula in it.

    Args:
        candidate: with fitted constants.
        inputs: ``(rows, columns)``.
    """
    parts = _Parts(candidate, inputs)
    for place in np.flatnonzero(candidate.used):
        yield from parts.of_column(int(place))
    for number, feature in enumerate(candidate.features):
        if len(feature.arguments) == 1 and feature.arguments[0].used.sum() > 1:
            yield from parts.of_argument(number)
    for direction in _directions(parts.used):
        yield from parts.of_direction(direction)


class _Parts:
    """Terms of a candidate, by what they are besides a variable.

    Args:
        candidate: the whole.
        inputs: ``(rows, columns)``.
    """

    def __init__(self, candidate: Candidate, inputs: FloatArray) -> None:
        self.candidate, self.inputs, self.columns = candidate, inputs, candidate.columns(inputs)
        exponents = candidate.exponents
        self.used = exponents + np.where((exponents == 0) & (candidate.signs != 1), 1.0, 0.0)
        self.values = candidate.terms(inputs) * candidate.constants
        self.sums = candidate.summed(self.values)
        self.own_columns = [_columns_of(feature) for feature in candidate.features]

    def of_column(self, place: int) -> Iterator[Variable]:
        """Formulas in a column of the table, with the functions of it alone."""
        own = np.zeros(self.used.shape[1], dtype=np.bool_)
        own[place] = True
        own[self.candidate.width :] = [columns == {place} for columns in self.own_columns]
        rest = np.where(own, 0.0, self.used)
        yield from self._formulas(self.inputs[:, place], [place], own, rest)

    def of_argument(self, number: int) -> Iterator[Variable]:
        """Formulas in the argument of a function of several columns."""
        feature = self.candidate.features[number]
        own = np.zeros(self.used.shape[1], dtype=np.bool_)
        own[self.candidate.width + number] = True
        yield from self._formulas(
            feature.arguments[0].predict(self.inputs),
            sorted(self.own_columns[number]),
            own,
            np.where(own, 0.0, self.used),
        )

    def of_direction(self, direction: FloatArray) -> Iterator[Variable]:
        """Formulas in a product of powers, of terms that are equal but for it."""
        places = np.flatnonzero(direction)
        with np.errstate(all="ignore"):
            product = (np.abs(self.columns[:, places]) ** direction[places]).prod(1)
        largest = np.abs(product).max()
        values = np.round(product / largest, 12) if 0 < largest < np.inf else product
        powers = self.used @ direction / (direction @ direction)
        rest = self.used - np.outer(powers, direction)
        groups = _groups(rest, self.candidate.sum_index)
        involved = [group for group in np.unique(groups) if (groups == group).sum() > 1]
        width, named = self.candidate.width, set(places[places < self.candidate.width].tolist())
        named = named.union(*(self.own_columns[place - width] for place in places[places >= width]))
        with np.errstate(all="ignore"):
            units = np.abs(product[:, None]) ** powers
        if np.isin(groups, involved).sum() < MIN_TERMS:
            return
        for terms, functions in _free(groups, involved, len(self.candidate.sum_exponents)):
            yield self._variable(values, sorted(named), terms, functions, units, powers[terms].tolist())

    def _formulas(self, values: FloatArray, names: list[int], own: BoolArray, rest: FloatArray) -> Iterator[Variable]:
        groups = _groups(rest, self.candidate.sum_index)
        involved = [group for group in np.unique(groups) if self.used[groups == group][:, own].any()]
        units = self._units(own)
        for terms, functions in _free(groups, involved, len(self.candidate.sum_exponents)):
            exponents = self.used[terms][:, own].ravel().tolist()
            yield self._variable(values, names, terms, functions, units, exponents, own)

    def _variable(
        self,
        values: FloatArray,
        names: list[int],
        terms: BoolArray,
        functions: int,
        units: FloatArray,
        exponents: list[float],
        own: BoolArray | None = None,
    ) -> Variable:
        """The formula of some terms, ``units`` without their constants and what stands beside them."""
        law, index = self.candidate, self.candidate.sum_index
        whole = [k for k in range(len(law.sum_exponents)) if terms[index == k].all()]
        exponents = exponents + [float(law.sum_exponents[k]) for k in whole if law.sum_exponents[k] != 1]
        structure = sum(map(exponent_bits, exponents))
        numbers = law.constants[terms].tolist() + fitted_exponents(exponents)
        if own is not None:
            for number in np.flatnonzero(own[law.width :] & (self.used[terms][:, law.width :] != 0).any(0)):
                feature = law.features[number]
                numbers += _numbers(feature, alone=len(names) == 1)
                structure += FUNCTION + sum(map(structure_bits, feature.arguments)) * (len(names) == 1)
        alone = [k for k in range(len(law.sum_exponents)) if (index == k).sum() == 1]
        scales = [float(law.constants[index == k][0]) for k in alone if not terms[index == k].any()]
        numbers += scales[:1]  # the scale of all is the free function's too
        weighted = units * law.constants
        parts = np.stack([weighted[:, terms & (index == k)].sum(1) for k in sorted(set(index[terms].tolist()))], 1)
        if functions == 1 and len(whole) == parts.shape[1]:
            with np.errstate(all="ignore"):
                parts = (parts ** law.sum_exponents[whole]).prod(1, keepdims=True)
        is_factor = law.sum_exponents.tolist() == [1.0] and len(law.constants) == 1
        return Variable(values, names, numbers, structure, parts, functions, self._share(terms), is_factor)

    def _units(self, own: BoolArray) -> FloatArray:
        """What some columns contribute to each term, ``(rows, terms)``."""
        law = self.candidate
        exponents, signs = np.where(own, law.exponents, 0.0), np.where(own, law.signs, 1.0)
        alone = Candidate(exponents, signs, law.constants, law.sum_index, law.sum_exponents)
        return alone.terms(self.columns)

    def _share(self, terms: BoolArray) -> float:
        """Of the sums, that the terms are, in the median row."""
        shares = []
        for k in set(self.candidate.sum_index[terms].tolist()):
            part = np.abs(self.values[:, terms & (self.candidate.sum_index == k)].sum(1))
            with np.errstate(all="ignore"):
                shares.append(float(np.nanmedian(part / np.abs(self.sums[:, k]))))
        return float(np.clip(np.nan_to_num(min(shares)), 1e-6, 1.0))


def _columns_of(feature: Feature) -> set[int]:
    """Places of the table's columns that a feature is made of."""
    return {int(place) for law in feature.arguments for place in np.flatnonzero(law.used)}


def _numbers(feature: Feature, *, alone: bool) -> list[float]:
    """Constants of a feature: all where it is of one column, else offset and scale, as the rest is its variable."""
    if alone:
        exponents = [exponent for law in feature.arguments for exponent in all_exponents(law)]
        constants = [float(number) for law in feature.arguments for number in all_constants(law)]
        return constants + fitted_exponents(exponents)
    law = feature.arguments[0]
    fixed = ~(law.exponents != 0).any(1)
    scale = sorted(law.constants[~fixed].tolist(), key=lambda number: len(f"{abs(number):.15g}"))[-1:]
    return [*law.constants[fixed].tolist(), *scale]


def _free(groups: IntArray, involved: list[int], sums: int) -> Iterator[tuple[BoolArray, int]]:
    """Terms of each formula, and how many free functions could stand in its place: sums have a scale in common."""
    if not involved:
        return
    free = int(groups.max()) + 1 - (sums - 1)
    if free >= len(involved):
        for group in involved:
            yield groups == group, 1
    else:
        yield np.isin(groups, involved), max(1, free)


def _directions(exponents: FloatArray) -> Iterator[FloatArray]:
    """Directions in the space of exponents, of more than one column, that two pairs of terms or more differ by."""
    first, second = np.triu_indices(len(exponents), 1)
    steps = exponents[first] - exponents[second]
    steps = steps[np.count_nonzero(steps, axis=1) > 1]
    leading = np.take_along_axis(steps, (steps != 0).argmax(1)[:, None], 1)
    steps = steps / leading
    _, place, count = np.unique(np.round(steps, 9) + 0.0, axis=0, return_index=True, return_counts=True)
    yield from steps[place[count > 1]]


def _groups(rest: FloatArray, sum_index: IntArray) -> IntArray:
    """Numbers of the groups of terms of one sum that are equal but for the variable, ``(terms,)``."""
    keys = np.column_stack([np.round(rest, 9) + 0.0, sum_index])
    return np.asarray(np.unique(keys, axis=0, return_inverse=True)[1]).ravel()
