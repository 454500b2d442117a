"""Forward selection: the columns of a wide table whose weighted sum a goal is, one after the other.

Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993): the column that correlates most with what the
chosen ones leave over joins them. It ends where that correlation is one that chance gives to the best of so many
columns.
"""

import math

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from training.symbolic.deadline import NO_DEADLINE, Deadline

SOLVED = 1e-10
"""Share of the goal's length that may be left when the columns are found."""
MAX_SELECTED = 200
COLLINEAR = 1e-6
"""Share of a column that the chosen ones must leave, or it cannot join them."""


def forward_selection(
    design: FloatArray, goal: FloatArray, deadline: Deadline = NO_DEADLINE, most: int = MAX_SELECTED
) -> IntArray:
    """Places of the columns whose weighted sum, with a constant, comes nearest to a goal: in their order.

    Args:
        design: ``(rows, columns)``.
        goal: ``(rows,)``.
        deadline: checked before every column; those chosen until then are returned.
        most: columns, at most; no more than a third of the rows in any case.
    """
    design, rest = centred(design), centred(goal[:, None])[:, 0]
    length = np.linalg.norm(rest)
    usable: BoolArray = np.asarray((design != 0).any(0))
    basis = np.empty((len(goal), 0))
    chosen: list[int] = []
    while len(chosen) < min(most, len(goal) // 3) and np.linalg.norm(rest) > SOLVED * length and deadline.remaining > 0:
        place = _next(design, rest, usable)
        if place is None:
            break
        column = design[:, place] - basis @ (basis.T @ design[:, place])
        column -= basis @ (basis.T @ column)  # twice is enough (Kahan)
        left = np.linalg.norm(column)
        usable[place] = False
        if left < COLLINEAR:
            continue
        basis = np.column_stack([basis, column / left])
        rest = rest - basis[:, -1] * (basis[:, -1] @ rest)
        chosen.append(place)
    return np.sort(np.array(chosen, dtype=np.int64))


def _next(design: FloatArray, rest: FloatArray, usable: BoolArray) -> int | None:
    """The column that correlates most, unless no more than chance explains."""
    match = np.where(usable, np.abs(rest @ design), 0.0)
    place = int(match.argmax())
    return place if match[place] > chance(len(usable), len(rest)) * np.linalg.norm(rest) else None


def chance(columns: int, rows: int) -> float:
    """The correlation that the best of so many columns of noise has with a goal in one of twenty tables, at most."""
    return math.sqrt(2 * math.log(20 * max(1, columns)) / rows)


def centred(values: FloatArray) -> FloatArray:
    """Columns with the mean 0 and the length 1, or 0 where one does not vary."""
    values = values - values.mean(0)
    length = np.linalg.norm(values, axis=0)
    return np.asarray(values / np.where(length > 0, length, 1.0))
