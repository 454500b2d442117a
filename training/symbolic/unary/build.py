"""Candidates made of what scans found: products of powers with features."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import Candidate, Feature, signs_of
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.monomial import monomial_candidates
from training.symbolic.unary.shapes import Shape

POWER_GRID, NEAR = 12, 1e-3
"""Powers this close to a multiple of one over this count as it."""


def sum_of(
    exponents: FloatArray,
    constants: FloatArray,
    inputs: FloatArray,
    features: tuple[Feature, ...] = (),
    power: float = 1.0,
) -> Candidate:
    """A power of a sum of products of columns and features: exponents ``(terms, columns + features)``."""
    signs = signs_of(exponents, _columns(inputs, features))
    index = np.zeros(len(constants), dtype=np.int64)
    return Candidate(exponents, signs, constants, index, np.array([power]), features)


def simple_power(power: float) -> float:
    """The power, or the simple fraction next to it."""
    near = round(power * POWER_GRID) / POWER_GRID
    return near if abs(near - power) < NEAR else power


def of_shapes(
    parts: Sequence[tuple[Shape, FloatArray, FloatArray, float]],
    inputs: FloatArray,
    target: FloatArray,
    deadline: Deadline = NO_DEADLINE,
) -> Iterator[Candidate]:
    """Candidates for a product of powers times powers of shapes.

    Args:
        parts: of each shape itself, the exponents of its inner terms, its parameters, and its power.
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        deadline: checked before every step.
    """
    rest, shapes = target.copy(), []
    for shape, inner, parameters, power in parts:
        power = simple_power(power)
        if shape.function == "exp" and not shape.plus_one:
            parameters, power = parameters * power, 1.0
        argument = sum_of(inner, parameters[: shape.terms], inputs)
        shapes.append((shape, argument, parameters, power))
        with np.errstate(all="ignore"):
            rest = rest / _value(shape, argument, parameters, inputs) ** power
    sound = np.isfinite(rest)
    if sound.mean() < 0.5:
        return
    for monomial in monomial_candidates(inputs[sound], rest[sound], deadline):
        candidate = replace(monomial, signs=signs_of(monomial.exponents, inputs))
        if [(part[0].function, part[3]) for part in shapes] == [("identity", 1.0)]:
            yield _expanded(candidate, shapes[0][1], inputs)
        for part in shapes:
            candidate = _times(candidate, *part, inputs)
        yield candidate


def _value(shape: Shape, argument: Candidate, parameters: FloatArray, inputs: FloatArray) -> FloatArray:
    if shape.function == "identity":
        return argument.predict(inputs)
    values = Feature(shape.function, (argument,)).values(inputs)
    return 1 + parameters[-1] * values if shape.plus_one else values


def _expanded(product: Candidate, argument: Candidate, inputs: FloatArray) -> Candidate:
    """A product times a sum, as a sum of products."""
    return sum_of(argument.exponents + product.exponents, argument.constants * product.constants, inputs)


def _times(
    candidate: Candidate, shape: Shape, argument: Candidate, parameters: FloatArray, power: float, inputs: FloatArray
) -> Candidate:
    """A candidate times a power of a shape."""
    if shape.function == "identity":
        argument, moved = _shortest(argument, candidate.exponents[0, : candidate.width], power)
        outer = candidate.exponents.copy()
        outer[0, : candidate.width] = moved
        extended = np.zeros((len(argument.exponents), outer.shape[1]))
        extended[:, : candidate.width] = argument.exponents
        return _with_sum(candidate, outer, extended, argument.constants, power, candidate.features, inputs)
    features = (*candidate.features, Feature(shape.function, (argument,)))
    outer = np.column_stack([candidate.exponents, np.zeros(len(candidate.exponents))])
    if not shape.plus_one:
        outer[candidate.sum_index == 0, -1] = power
        table = _columns(inputs, features)
        return replace(candidate, exponents=outer, signs=signs_of(outer, table), features=features)
    terms = np.zeros((2, outer.shape[1]))
    terms[1, -1] = 1.0
    constants = np.array([1.0, parameters[-1]])
    return _with_sum(candidate, outer, terms, constants, power, features, inputs)


def _with_sum(
    candidate: Candidate,
    outer: FloatArray,
    terms: FloatArray,
    constants: FloatArray,
    power: float,
    features: tuple[Feature, ...],
    inputs: FloatArray,
) -> Candidate:
    """A candidate times a power of another sum."""
    exponents = np.concatenate([outer, terms])
    number = len(candidate.sum_exponents)
    index: IntArray = np.append(candidate.sum_index, np.full(len(terms), number)).astype(np.int64)
    return Candidate(
        exponents,
        signs_of(exponents, _columns(inputs, features)),
        np.append(candidate.constants, constants),
        index,
        np.append(candidate.sum_exponents, power),
        features,
    )


def _columns(inputs: FloatArray, features: tuple[Feature, ...]) -> FloatArray:
    return np.column_stack([inputs, *(feature.values(inputs) for feature in features)])


def _shortest(argument: Candidate, outer: FloatArray, power: float) -> tuple[Candidate, FloatArray]:
    """The same law with what is common to all terms of a sum moved out of it, or into it, where that is shorter."""
    inner, moved = argument.exponents.copy(), outer.copy()
    for column in range(len(outer)):
        trials = [(inner[:, column] + shift, outer[column] - power * shift) for shift in
                  {0.0, *(-inner[:, column]).tolist(), outer[column] / power}]  # fmt: skip
        inner[:, column], moved[column] = min(trials, key=_cost)
    return replace(argument, exponents=inner), moved


def _cost(exponents: tuple[FloatArray, float]) -> tuple[int, int, float]:
    every = np.append(*exponents)
    whole = np.abs(every - np.round(every)) < 1e-9
    return (
        int(np.count_nonzero(np.abs(every) > 1e-9)),
        int((every < 0).sum() + (~whole).sum()),
        float(np.abs(every).sum()),
    )
