"""How many bits some rows tell of a smooth function of one variable: what a formula in it must be shorter than."""

import math

import numpy as np

from models.arrays import FloatArray

SMOOTHNESS = 2.0
"""Length scale of the functions that a formula is compared with: of the logarithm of a positive variable."""
MIXED_HALF = 1.5
"""What half the range of a variable of both signs counts as, in the same measure."""
MOST_COEFFICIENTS = 60


def information(variable: FloatArray, precision: float) -> float:
    """Bits that a table tells of a smooth function of a variable.

    A function drawn from a Gaussian process of squared exponential kernel has Chebyshev coefficients of size
    ``2 (h / sqrt(2) l)**j / sqrt(j!)`` on a range of half width h with length scale l; each is known to the precision
    of the mean of the rows. A variable of L values tells of no more than L coefficients.

    Args:
        variable: ``(rows,)``.
        precision: relative, of the mean of all rows, above 0.
    """
    levels = len(np.unique(variable))
    share, scale, bits = half_width(variable) / (math.sqrt(2) * SMOOTHNESS), 1.0, 0.0
    for j in range(min(levels, MOST_COEFFICIENTS)):
        scale = 1.0 if j == 0 else 2 * share if j == 1 else scale * share / math.sqrt(j)
        if j >= share**2 and scale <= precision:
            break
        bits += max(0.0, math.log2(scale / precision))
    return bits


def half_width(variable: FloatArray) -> float:
    """Half the range of a variable's logarithm, or that of one of both signs."""
    if (variable > 0).all() or (variable < 0).all():
        size = np.abs(variable)
        return float(np.log(size.max() / size.min()) / 2)
    return MIXED_HALF
