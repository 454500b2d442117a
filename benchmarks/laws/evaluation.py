"""Whether a formula equals the law of a table: compared by values outside the range, not by form."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from benchmarks.laws.generate import Case, RandomLaw
from benchmarks.laws.same_form import same_form
from models.arrays import FloatArray

RIGHT = 1e-6
"""Largest relative error at which a formula counts as the law."""


@dataclass(frozen=True)
class Evaluation:
    """Whether a law was found, and its largest relative error outside the range."""

    found: bool
    error: float


def evaluate(case: Case, formula: str | None) -> Evaluation:
    """Compare a formula with the truth on points outside the table's range.

    Without noise, every value must be right, there and on the table's rows; a product must have the right exponents
    besides. With noise, the exponents of all terms must be right, and a product's sign.
    """
    if formula is None:
        return Evaluation(False, np.inf)
    inside, error = (
        _largest_error(formula_values(formula, case.columns, inputs), case.law(inputs))
        for inputs in (case.inputs[case.law.regular(case.inputs)], case.outside)
    )
    right = case.noisy or max(inside, error) < RIGHT
    if isinstance(case.law, RandomLaw) and len(case.law.numerator) == 1 and not case.law.denominator:
        right = right and _same_structure(case, case.law.numerator[0].exponents, formula)
    elif isinstance(case.law, RandomLaw) and case.noisy:
        right = same_form(formula, case.law, case.columns)
    return Evaluation(right, error)


def _largest_error(predicted: FloatArray, truth: FloatArray) -> float:
    with np.errstate(all="ignore"):
        return float(np.nan_to_num(np.abs(predicted - truth) / np.abs(truth), nan=np.inf).max())


def formula_values(formula: str, columns: Sequence[str], inputs: FloatArray) -> FloatArray:
    """Values of a formula, ``(rows,)``; nan where it has none."""
    symbols = sympy.symbols(list(columns), real=True)
    names = {"min": sympy.Min, "max": sympy.Max} | dict(zip(columns, symbols, strict=True))
    expression = sympy.sympify(formula, locals=names)
    with np.errstate(all="ignore"):
        values = sympy.lambdify(symbols, expression, "numpy")(*inputs.T)
    return np.broadcast_to(np.asarray(values, dtype=np.float64), len(inputs))


def _same_structure(case: Case, exponents: Sequence[float], formula: str) -> bool:
    """Whether the sign is that of the truth everywhere, and doubling a column multiplies by the same power of two."""
    predicted, truth = formula_values(formula, case.columns, case.outside), case.law(case.outside)
    if not np.array_equal(np.sign(predicted), np.sign(truth)):
        return False
    for i, exponent in enumerate(exponents):
        doubled = case.outside.copy()
        doubled[:, i] *= 2
        if not np.allclose(formula_values(formula, case.columns, doubled) / predicted, 2**exponent, rtol=1e-9, atol=0):
            return False
    return True
