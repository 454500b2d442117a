"""find_law: from a table to a network that computes its law, and the formula."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from models.law import Law
from training.symbolic.formula import Formula, formula
from training.symbolic.outliers import find_outliers
from training.symbolic.search import ROUNDS, search

MAX_VALUE = 1e150
"""Squares of larger numbers may not be finite, and those of numbers below its inverse may be 0."""

MAX_NAMED_ROWS = 5
"""Rows that a reason names, at most."""


@dataclass(frozen=True)
class LawResult:
    """The result of ``find_law``: the best network, and its formula where it is a law.

    Args:
        network: computes the law in float64; where none was found, the best approximation.
        expression: of the law; None if no law was found.
        reason: why no law was found, one clause; None if one was.
    """

    network: Law
    expression: Formula | None
    reason: str | None

    @property
    def formula(self) -> str | None:
        """The law as text, such as ``0.5 * m * v**2``."""
        return self.expression.text if self.expression else None

    @property
    def latex(self) -> str | None:
        """The law as LaTeX."""
        return self.expression.latex if self.expression else None


def find_law(
    inputs: FloatArray,
    target: FloatArray,
    *,
    columns: Sequence[str] | None = None,
    rows: Sequence[int] | IntArray | None = None,
    seed: int = 0,
    rounds: int = ROUNDS,
    seconds: float = math.inf,
    progress: Callable[[str], None] = lambda _: None,
) -> LawResult:
    """Find the arithmetic law of a table: products of powers with a constant, sums of them, quotients of sums.

    Args:
        inputs: ``(rows, columns)``, finite.
        target: ``(rows, 1)``, finite, not all zero.
        columns: names for the formula; None names them ``x0``, ``x1`` and so on.
        rows: numbers of the rows, for the reason; None counts them from 0.
        seed: of start values; a seed reproduces a search on the same machine, unless ``seconds`` run out.
        rounds: of the search for sums and quotients of products, at most; 0 tries products and linear sums only.
        seconds: time after which nothing new is started.
        progress: called with the kind of candidates that is tried next.

    Raises:
        ValueError: shapes that do not fit, numbers that are too large, or no candidate gives finite numbers.
    """
    _check(inputs, target)
    varied, begun = _varied(inputs), monotonic()
    x, y = inputs[:, varied], target[:, 0]
    found = search(x, y, seed=seed, rounds=rounds, seconds=seconds, progress=progress)
    network = found.candidate.widened(varied).network()
    names = [f"x{place}" for place in range(inputs.shape[1])] if columns is None else columns
    if not found.reason:
        return LawResult(network, formula(network, names), None)
    progress("outliers")
    outliers = find_outliers(x, y, seed=seed, rounds=min(rounds, 1), seconds=seconds - (monotonic() - begun))
    if outliers is None:
        return LawResult(network, None, found.reason)
    numbers = (outliers[1] if rows is None else np.asarray(rows)[outliers[1]]).tolist()
    return LawResult(network, None, _outlier_reason(formula(outliers[0].widened(varied).network(), names), numbers))


def _check(inputs: FloatArray, target: FloatArray) -> None:
    """Raise ValueError unless shapes and sizes fit."""
    if inputs.ndim != 2 or target.shape != (len(inputs), 1) or not inputs.size:
        raise ValueError(f"inputs are (rows, columns) and target (rows, 1), got {inputs.shape} and {target.shape}.")
    widest, size = np.abs(inputs).max(), np.abs(target).max()
    if not (widest <= MAX_VALUE and 1 / MAX_VALUE <= size <= MAX_VALUE):
        raise ValueError(
            f"inputs and target must be finite, at most {MAX_VALUE:g}, and the target not all below {1 / MAX_VALUE:g}; "
            f"the largest are {widest:g} and {size:g}, so scale the columns nearer to 1."
        )


def _varied(inputs: FloatArray) -> BoolArray:
    """Columns that can matter, ``(columns,)``: those that vary, or all if none does."""
    varied = np.ptp(inputs, axis=0) > 0
    return np.asarray(varied | ~varied.any())


def _outlier_reason(law: Formula | None, rows: list[int]) -> str:
    """Why no law is found, where a few rows do not follow the law of the others."""
    text = law.text if law else "the law"
    if len(rows) == 1:
        return f"row {rows[0]} does not follow {text}, as all other training rows do; correct it or leave it out"
    named = ", ".join(map(str, rows[:MAX_NAMED_ROWS])) + ", ..." * (len(rows) > MAX_NAMED_ROWS)
    return f"rows {named} do not follow {text}, as all other training rows do; correct them or leave them out"
