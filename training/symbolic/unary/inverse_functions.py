"""Laws that are a power, an exponential or a logarithm of a sum of products: sums, seen through the inverse function.

Without noise, least squares over more products than the sum can have leaves nothing, and the constants of those that it
does not have are rounding. So there is no choice of products to search.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate, Feature, different_rows
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.unary.build import sum_of
from training.symbolic.unary.table import both_signs, exponent_rows, is_scanned

MAX_ROWS = 600
ROWS_PER_PRODUCT = 2
SOLVED = 1e-11
"""Error, as a share of the view's spread, at which a sum is found."""
KEPT = 1e-6
"""Products below this share of the largest are rounding."""
MAX_TERMS = 8
POWERS = (0.5, -1.0, -0.5, 1.5, 2.0)
LARGEST_EXPONENT = 30.0


@dataclass(frozen=True)
class View:
    """A goal that is a sum where the target is a function of one.

    Args:
        goal: ``(rows,)``.
        power: of the sum; 1 where the function is none.
        function: ``exp`` or ``log`` of the sum, or none.
    """

    goal: FloatArray
    power: float = 1.0
    function: str = ""


def view_candidates(
    inputs: FloatArray,
    target: FloatArray,
    functions: tuple[str, ...],
    deadline: Deadline = NO_DEADLINE,
) -> Iterator[Candidate]:
    """Powers, exponentials and logarithms of sums, exact ones alone.

    Args:
        inputs: ``(rows, columns)``, of the columns that matter.
        target: ``(rows,)``.
        functions: names of those that are tried.
        deadline: checked before every view.
    """
    if not is_scanned(inputs):
        return
    rows = different_rows(inputs, target)
    rows = rows[(inputs[rows] != 0).all(1) & (target[rows] != 0)][:MAX_ROWS]
    x, y = inputs[rows], target[rows]
    for view in _views(y, functions):
        deadline.check()
        exponents = _exponents(x, view.function)
        logs = np.log(np.abs(x)) if view.function == "exp" else np.zeros((len(x), 0))
        if len(x) < ROWS_PER_PRODUCT * (len(exponents) + logs.shape[1]):
            continue
        with np.errstate(all="ignore"):
            design = np.column_stack([logs, sum_of(exponents, np.ones(len(exponents)), x).terms(x)])
        constants = sparse_constants(design, view.goal)
        if constants is not None:
            powers, constants = constants[: logs.shape[1]], constants[logs.shape[1] :]
            yield _undone(view, powers, exponents[constants != 0], constants[constants != 0], x, y)


def _views(target: FloatArray, functions: tuple[str, ...]) -> Iterator[View]:
    with np.errstate(all="ignore"):
        for power in POWERS:
            if (target > 0).all() or power == -1:
                yield View(target ** (1 / power), power)
        if "exp" in functions and ((target > 0).all() or (target < 0).all()):
            yield View(np.log(np.abs(target)), function="exp")
        if "log" in functions and np.abs(target).max() < LARGEST_EXPONENT:
            yield View(np.exp(target), function="log")


def _exponents(inputs: FloatArray, function: str) -> FloatArray:
    """Products in the sum: powers of columns and products of two; in exponents also of three."""
    columns = inputs.shape[1]
    rows = [np.zeros((1, columns)), exponent_rows(columns, 2, {1: (-2.0, -1.0, 0.5, 1.0, 2.0), 2: (-1.0, 1.0)})]
    more = exponent_rows(columns, 3, {1: (1.0,), 2: (-2.0, 1.0, 2.0), 3: (-2.0, -1.0, 1.0)})
    for row in more if function == "exp" else ():
        powers = sorted(row[row != 0].tolist())
        if powers in ([-2.0, 2.0], [-2.0, 1.0, 1.0], [-1.0, 1.0, 1.0]):
            rows.append(row[None])
    every = np.concatenate(rows)
    return np.asarray(every[~((every % 1 != 0) & both_signs(inputs)).any(1)])


def sparse_constants(design: FloatArray, goal: FloatArray) -> FloatArray | None:
    """Constants of the columns that make up a goal, most of them 0; None where they do not, or are many."""
    if not (np.isfinite(design).all() and np.isfinite(goal).all()) or np.ptp(goal) == 0:
        return None
    size = np.sqrt(np.mean(design**2, 0))
    kept = np.arange(design.shape[1])
    for _ in range(4):
        found, _, rank, _ = np.linalg.lstsq(design[:, kept] / size[kept], goal, rcond=1e-13)
        if rank < len(kept):  # columns of few values, which some products fit whatever the law
            return None
        rest = goal - design[:, kept] / size[kept] @ found
        if not np.sqrt(np.mean(rest**2)) < SOLVED * np.std(goal):
            return None
        strong = np.abs(found) > KEPT * np.abs(found).max()
        kept, found = kept[strong], found[strong]
    if len(kept) > min(MAX_TERMS, design.shape[1] // 2):
        return None
    constants = np.zeros(design.shape[1])
    constants[kept] = found / size[kept]
    return constants


def _undone(
    view: View, powers: FloatArray, exponents: FloatArray, constants: FloatArray, inputs: FloatArray, target: FloatArray
) -> Candidate:
    """The target's law from that of its view."""
    if not view.function:
        return sum_of(exponents, constants, inputs, power=view.power)
    factor = float(np.sign(target[0]))
    if view.function == "exp":
        varied = exponents.any(1)
        factor *= float(np.exp(constants[~varied].sum()))
        exponents, constants = exponents[varied], constants[varied]
    features = (Feature(view.function, (sum_of(exponents, constants, inputs),)),) if len(constants) else ()
    outer = np.append(np.round(powers * 12) / 12 if len(powers) else np.zeros(inputs.shape[1]), np.ones(len(features)))
    factor = factor if view.function == "exp" else 1.0
    return sum_of(outer[None], np.array([factor]), inputs, features)
