"""Laws in which sines and cosines of one angle have columns as amplitudes: ``a * cos(w * c) + b * sin(w * c)``."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.optimize

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate, Feature
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.unary.additive import EXACT_FIT, LARGEST_ANGLE, SOLVED, STEP, Rows
from training.symbolic.unary.build import sum_of
from training.symbolic.unary.grids import products, usual_base
from training.symbolic.unary.inverse_functions import sparse_constants
from training.symbolic.unary.table import exponent_rows, is_scanned

REFINED = 3
"""Angles that are refined, the best of the grid."""


def waves_with_amplitudes(
    inputs: FloatArray,
    target: FloatArray,
    random: np.random.Generator,
    functions: tuple[str, ...],
    deadline: Deadline = NO_DEADLINE,
) -> Iterator[Candidate]:
    """The sum of usual products, and of columns times sines and cosines of one angle; none if it is not exact.

    Args:
        inputs: ``(rows, columns)``, of the columns that matter.
        target: ``(rows,)``.
        random: draws rows.
        functions: names of those that are tried; both waves or none.
        deadline: checked before every angle.
    """
    if not {"sin", "cos"} <= set(functions) or not is_scanned(inputs):
        return
    rows = Rows.of(inputs, target, usual_base(inputs), random)
    if rows is None:
        return
    found = []
    for inner in exponent_rows(inputs.shape[1], 2, {1: (1.0,), 2: (-1.0, 1.0)}):
        waves = _Waves.of(rows, inner)
        for factor in np.append(1.0, np.arange(STEP, LARGEST_ANGLE, STEP) / max(float(np.ptp(waves.angle)), 1e-300)):
            deadline.check()
            rest = waves.rest(factor)
            found.append((float(rest @ rest), waves, float(factor)))
    for _, waves, factor in sorted(found, key=lambda each: each[0])[:REFINED]:
        law = waves.law(factor, inputs)
        if law is not None:
            yield law
            return


@dataclass(frozen=True)
class _Waves:
    """Sines and cosines of one angle, times 1 and times each column that is not in it.

    Args:
        rows: the table.
        inner: exponents of the product in the angle, ``(columns,)``.
        outer: exponents of the amplitudes, ``(amplitudes, columns)``.
        angle: the product, ``(rows,)``.
        amplitudes: ``(rows, amplitudes)``.
    """

    rows: Rows
    inner: FloatArray
    outer: FloatArray
    angle: FloatArray
    amplitudes: FloatArray

    @classmethod
    def of(cls, rows: Rows, inner: FloatArray) -> "_Waves":
        outer = np.concatenate([np.zeros((1, len(inner))), np.eye(len(inner))[inner == 0]])
        angle = products(rows.inputs, inner[None])[:, 0]
        return cls(rows, inner, outer, angle, products(rows.inputs, outer))

    def values(self, factor: float) -> FloatArray:
        """All cosines, then all sines, ``(rows, 2 * amplitudes)``."""
        angle = factor * self.angle[:, None]
        return np.concatenate([self.amplitudes * np.cos(angle), self.amplitudes * np.sin(angle)], 1)

    def rest(self, factor: float) -> FloatArray:
        """What they and the base leave of the target, ``(rows,)``."""
        values, goal = self.values(factor), self.rows.rest
        values = values - self.rows.basis @ (self.rows.basis.T @ values)
        return np.asarray(goal - values @ np.linalg.lstsq(values, goal, rcond=None)[0])

    def law(self, factor: float, inputs: FloatArray) -> Candidate | None:
        """The law with the best factor near this one; None if it is not exact."""
        fit = scipy.optimize.least_squares(lambda share: self.rest(share[0] * factor), [1.0], **EXACT_FIT)
        if not fit.fun @ fit.fun < SOLVED * len(fit.fun):
            return None
        factor, base = float(fit.x[0]) * factor, self.rows.base
        design = np.column_stack([products(self.rows.inputs, base), self.values(factor)])
        constants = sparse_constants(design, self.rows.target)
        if constants is None:
            return None
        constants = constants * self.rows.scale
        own, beside = constants[len(base) :].reshape(2, -1), constants[: len(base)]
        return self._sum(factor, own, base[beside != 0], beside[beside != 0], inputs)

    def _sum(
        self, factor: float, own: FloatArray, base: FloatArray, constants: FloatArray, inputs: FloatArray
    ) -> Candidate | None:
        """The candidate of cosines and sines with constants ``own``, ``(2, amplitudes)``, and some of the base."""
        features: dict[tuple[str, float], Feature] = {}
        terms = []
        for outer, (cosine, sine) in zip(self.outer, own.T, strict=True):
            if cosine or sine:
                name, phase = "cos" if cosine else "sin", -np.arctan2(sine, cosine) if cosine and sine else 0.0
                inner = np.array([self.inner, 0 * self.inner][: 1 + bool(phase)])
                argument = sum_of(inner, np.array([factor, phase][: len(inner)]), inputs)
                features.setdefault((name, phase), Feature(name, (argument,)))
                factor_outside = np.hypot(cosine, sine) if phase else cosine or sine
                terms.append((outer, list(features).index((name, phase)), factor_outside))
        if not terms:
            return None
        exponents = np.zeros((len(base) + len(terms), len(self.inner) + len(features)))
        exponents[: len(base), : len(self.inner)] = base
        for row, (outer, place, _) in zip(exponents[len(base) :], terms, strict=True):
            row[: len(self.inner)], row[len(self.inner) + place] = outer, 1.0
        return sum_of(exponents, np.append(constants, [each[2] for each in terms]), inputs, tuple(features.values()))
