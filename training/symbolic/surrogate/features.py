"""Views of a table in which laws are smooth: a target may be huge near a pole, and columns span decades."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray

SMALLEST = 1e-3
"""Share of a column's median magnitude below which magnitudes count alike in logarithms."""
LINEAR_RANGE = 3.0
"""The median magnitude over this is where the inverse hyperbolic sine turns from linear to logarithmic."""


@dataclass(frozen=True)
class Features:
    """Standardised functions of single columns.

    Args:
        values: of mean 0 and variance 1, ``(rows, features)``.
        columns: the column of each, ``(features,)``.
        slopes: their derivatives by their columns, ``(rows, features)``.
    """

    values: FloatArray
    columns: IntArray
    slopes: FloatArray

    @classmethod
    def of(cls, inputs: FloatArray, *, magnitudes: bool = False) -> "Features":
        """Every column and the logarithm of each positive one; with ``magnitudes``, of all magnitudes."""
        found: list[tuple[int, FloatArray, FloatArray]] = []
        for place, column in enumerate(inputs.T):
            scale = np.std(column) or 1.0
            found.append((place, (column - column.mean()) / scale, np.full(len(column), 1 / scale)))
            if (column > 0).all() or magnitudes:
                size = np.abs(column)
                floor = SMALLEST * np.median(size) or 1.0
                logs = np.log(np.maximum(size, floor))
                scale = np.std(logs) or 1.0
                slope = np.where(size > floor, 1 / np.where(size > floor, column, 1.0), 0.0)
                found.append((place, (logs - logs.mean()) / scale, slope / scale))
        places, values, slopes = zip(*found, strict=True)
        return cls(np.column_stack(values), np.array(places), np.column_stack(slopes))

    def of_columns(self, columns: IntArray) -> BoolArray:
        """Which features are of these columns, ``(features,)``."""
        return np.isin(self.columns, columns)


def target_views(target: FloatArray) -> Iterator[FloatArray]:
    """A target that varies, its logarithm, that with a sign, and the inverse, of mean 0 and variance 1: ``(rows,)``."""
    size = np.abs(target)
    smallest, usual = size[size > 0].min(), np.median(size[size > 0]) / LINEAR_RANGE
    found = [target, np.log(np.maximum(size, smallest)), np.arcsinh(target / usual)]
    if size.all():
        found.append(np.arcsinh(usual * LINEAR_RANGE**2 / target))
    for view in found:
        spread = np.std(view)
        if spread > 0:
            yield (view - view.mean()) / spread
