"""The products that sums with functions are made of: a base, those outside and those inside functions."""

import numpy as np

from models.arrays import FloatArray
from training.symbolic.unary.table import both_signs, exponent_rows


def products(inputs: FloatArray, exponents: FloatArray) -> FloatArray:
    """Products of powers, ``(rows, products)``."""
    with np.errstate(all="ignore"):
        found = np.ones((len(inputs), len(exponents)))
        for row, column in zip(*np.nonzero(exponents), strict=True):
            found[:, row] *= inputs[:, column] ** exponents[row, column]
        return found


def linear_base(inputs: FloatArray) -> FloatArray:
    """Exponents of 1 and the columns, ``(1 + columns, columns)``: beside them a slight bend still shows."""
    columns = inputs.shape[1]
    return np.concatenate([np.zeros((1, columns)), np.eye(columns)])


def usual_base(inputs: FloatArray) -> FloatArray:
    """Exponents of 1, powers of columns, and products and quotients of two: ``(products, columns)``."""
    columns = inputs.shape[1]
    rows = exponent_rows(columns, 2, {1: (-1.0, 0.5, 1.0, 2.0), 2: (-1.0, 1.0)})
    return np.concatenate([np.zeros((1, columns)), _sound(rows, inputs)])


def inner_products(inputs: FloatArray) -> FloatArray:
    """Exponents of products inside functions: those of up to three columns, ``(products, columns)``."""
    rows = exponent_rows(inputs.shape[1], 3, {1: (1.0, -1.0, 2.0, 0.5), 2: (-1.0, 1.0), 3: (-1.0, 1.0)})
    more = [
        row for row in exponent_rows(inputs.shape[1], 3, {1: (1.0,), 2: (-2.0, 2.0), 3: (-2.0, 1.0)}) if _planck(row)
    ]
    return _sound(np.concatenate([rows, np.array(more).reshape(-1, inputs.shape[1])]), inputs)


def _planck(row: FloatArray) -> bool:
    powers = sorted(row[row != 0].tolist())
    return powers in ([-2.0, 2.0], [-2.0, 1.0, 1.0])


def outer_products(inputs: FloatArray) -> FloatArray:
    """Exponents of products outside functions: ``(products, columns)``."""
    rows = exponent_rows(inputs.shape[1], 2, {1: (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0), 2: (-2.0, -1.0, 1.0)})
    rows = np.concatenate([np.zeros((1, inputs.shape[1])), _sound(rows, inputs)])
    return rows[np.argsort(np.abs(rows).sum(1), kind="stable")]


def _sound(rows: FloatArray, inputs: FloatArray) -> FloatArray:
    """Those without half powers of columns of both signs."""
    return np.asarray(rows[~((rows % 1 != 0) & both_signs(inputs)).any(1)])
