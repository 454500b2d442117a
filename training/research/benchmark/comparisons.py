"""Samples of the comparisons of whole numbers: trained on digits, evaluated on numbers up to 1e15.

Task: Faber and Wattenhofer 2023, "Neural Status Registers", ICML, and its code,
https://github.com/lukasjf/neural_status_register. There all 81 pairs are one batch; here batches are drawn afresh, as
in the other tasks. Numbers of this size need float64.
"""

import numpy as np
import torch
from torch import Tensor

from models.arrays import FloatArray
from training.research.benchmark.task import EVALUATION_ROWS, Interval

DIGITS = 9
LARGEST_DIFFERENCE = 5
"""Between the two numbers of an evaluation sample, as published."""
COMPARING = ("minimum", "maximum", "piecewise", "greater", "equal")
"""The operations that need a comparison."""
CRITERION = 0.005**2
"""The mean square error below which they count as solved: absolute errors then average below 0.005, which prints as
0.00 in the paper's tables.
"""


def digit_pairs(uniform: Tensor, equal_share: float) -> Tensor:
    """Pairs of digits from 1 to 9, in float64, from uniform numbers ``(2, ...)``; that share of them is made equal."""
    first, second = uniform.double().unbind(0)
    first = 1 + torch.floor(DIGITS * first)
    other = 1 + torch.floor(DIGITS * (second - equal_share) / (1 - equal_share))
    return torch.stack((first, torch.where(second < equal_share, first, other)))


def far_pairs(interval: Interval, equal_share: float, seed: int, rows: int = EVALUATION_ROWS) -> FloatArray:
    """Pairs of whole numbers ``(2, rows)``, the first from the interval, the second at most 5 away."""
    random = np.random.RandomState(seed)
    first = random.randint(int(interval[0]), int(interval[1]), rows, dtype=np.int64)
    difference = random.randint(-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE + 1, rows)
    difference[random.uniform(size=rows) < equal_share] = 0
    return np.stack([first, first + difference]).astype(float)
