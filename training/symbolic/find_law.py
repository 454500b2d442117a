"""find_law: from a table to a network that computes its law, and the formula."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from models.law import Law
from training.metrics import predict, relative_rmse
from training.symbolic.acceptance import rejection_reason
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import Deadline, DeadlineError
from training.symbolic.forms.find import fit_form
from training.symbolic.forms.parse import Form
from training.symbolic.formula import Formula, formula
from training.symbolic.no_law import Outliers, column_names, outlier_reason, search_reason
from training.symbolic.outliers import find_outliers
from training.symbolic.scaling import Scaling, scaled
from training.symbolic.search import MIN_SECONDS, NOT_DECIDED, ROUNDS, SearchResult, search
from training.symbolic.search_space import ANY_LAW, SearchSpace
from training.symbolic.source_code import SymbolicExpression
from training.symbolic.uncertainty import LawUncertainty, law_uncertainty

MAX_LOSS = 1e-9
"""Relative error that a law may gain where it is computed from columns of extreme size."""
SEARCH_SHARE = 0.85
"""Share of the time for the search over all rows; the rest is for that of outliers."""
Table = tuple[FloatArray, FloatArray]
"""Inputs and target."""


@dataclass(frozen=True)
class LawResult:
    """The result of ``find_law``: the best network, and its formula where it is a law.

    Args:
        network: computes the law in float64; where none was found, the best approximation.
        expression: of the law; None if no law was found.
        reason: why no law was found, one clause; None if one was.
        uncertainty: of the law's constants; None where no law was found, or it cannot be computed.
        remark: one sentence on the units of the law's numbers; None where none was found, or units are not known.
    """

    network: Law
    expression: Formula | None
    reason: str | None
    uncertainty: LawUncertainty | None = None
    remark: str | None = None

    @property
    def formula(self) -> str | None:
        """The law as text, such as ``0.5 * m * v**2``."""
        return self.expression.text if self.expression else None

    @property
    def latex(self) -> str | None:
        """The law as LaTeX."""
        return self.expression.latex if self.expression else None

    @property
    def symbolic(self) -> SymbolicExpression:
        """The law for other programs: ``symbolic.to_sympy()``, ``symbolic.to_numpy()``.

        Raises:
            ValueError: no law was found.
        """
        if self.expression is None or self.expression.symbolic is None:
            raise ValueError(f"There is no law to convert: {self.reason}.")
        return self.expression.symbolic

    def to_sympy(self) -> Any:
        """The law as a SymPy expression in real symbols, named as the columns; ValueError without a law."""
        return self.symbolic.to_sympy()

    def to_numpy(self) -> Callable[..., FloatArray]:
        """The law as a function of all columns, numbers or arrays, without PyTorch; ValueError without a law."""
        return self.symbolic.to_numpy()


def find_law(
    inputs: FloatArray,
    target: FloatArray,
    *,
    columns: Sequence[str] | None = None,
    rows: Sequence[int] | IntArray | None = None,
    weights: FloatArray | None = None,
    space: SearchSpace = ANY_LAW,
    seed: int = 0,
    rounds: int = ROUNDS,
    seconds: float = math.inf,
    reserve: float = 0.0,
    progress: Callable[[str], None] = lambda _: None,
) -> LawResult:
    """Find the arithmetic law of a table: products of powers with a constant, sums of them, quotients of sums.

    Args:
        inputs: ``(rows, columns)``, finite.
        target: ``(rows, 1)``, finite.
        columns: names for the formula; None names them ``x0``, ``x1`` and so on.
        rows: numbers of the rows, for the reason; None counts them from 0.
        weights: of the rows, see ``training.symbolic.row_weights``; None: 1.
        space: the laws that may be tried.
        seed: of start values; it reproduces a search on the same machine, unless ``seconds`` run out.
        rounds: of the search for sums and quotients of products, at most; 0 tries products and linear sums only.
        seconds: limit of the time.
        reserve: share of it that is left to the caller.
        progress: called with the kind of candidates that is tried next.

    Raises:
        ValueError: shapes that do not fit, numbers, or results of all candidates, that are not finite.
    """
    end, varied = Deadline.after(seconds * (1 - reserve)), _varied(inputs, target)
    if space.form is not None:
        return _of_form(space.form, inputs, target, weights, seed, end)
    scaling, x, y = scaled(inputs[:, varied], target[:, 0])
    found, outliers = _search((x, y), weights, end, progress, space, (columns, varied), seed=seed, rounds=rounds)
    network, law = _unscaled(scaling, found.candidate, varied, (x, y), (inputs, target))
    why = found.reason and (outlier_reason(outliers, scaling, varied, columns, rows) or search_reason(found, seconds))
    return _result(network, law, why, (inputs, target), columns, weights, found.remark)


def _of_form(
    form: Form, inputs: FloatArray, target: FloatArray, weights: FloatArray | None, seed: int, end: Deadline
) -> LawResult:
    """The result for a form whose constants are fitted.

    Raises:
        ValueError: no constants give finite numbers on every row, or the time is up before some do.
    """
    try:
        fitted = fit_form(form, inputs, target[:, 0], weights, seed=seed, deadline=end.no_earlier_than(MIN_SECONDS))
    except DeadlineError as error:
        raise ValueError(f"form '{form.text}' is not fitted within the time; allow more seconds.") from error
    network = fitted.candidate.network()
    try:
        reason = fitted.reason or rejection_reason(fitted.candidate, inputs, target[:, 0], weights, deadline=end)
    except DeadlineError:
        reason = NOT_DECIDED
    return _result(network, fitted.candidate, reason, (inputs, target), form.columns, weights)


def _result(
    network: Law,
    law: Candidate,
    reason: str | None,
    table: Table,
    columns: Sequence[str] | None,
    weights: FloatArray | None,
    remark: str | None = None,
) -> LawResult:
    """The result of a network that computes a law, or why it is none."""
    if reason:
        return LawResult(network, None, reason)
    names, (inputs, target) = column_names(columns, law.width), table
    uncertainty = law_uncertainty(law, inputs, target[:, 0], names, weights)
    return LawResult(network, formula(network, names), None, uncertainty, remark)


def _search(
    table: Table,
    weights: FloatArray | None,
    end: Deadline,
    progress: Callable[[str], None],
    space: SearchSpace,
    kept: tuple[Sequence[str] | None, BoolArray],
    *,
    seed: int,
    rounds: int,
) -> tuple[SearchResult, Outliers | None]:
    """The search over all rows and, where that finds no law, the one for outliers; the table has the columns kept."""
    space = space.of_columns(kept[1])
    names = [name for name, is_kept in zip(column_names(kept[0], len(kept[1])), kept[1], strict=True) if is_kept]
    share = SEARCH_SHARE * end.remaining
    found = search(
        *table, weights, space=space, names=names, seed=seed, rounds=rounds, seconds=share, progress=progress
    )
    if not found.reason:
        return found, None
    progress("outliers")
    return found, find_outliers(*table, space=space, seed=seed, rounds=min(rounds, 1), seconds=end.remaining)


def _check(inputs: FloatArray, target: FloatArray) -> None:
    """Raise ValueError unless shapes and sizes fit."""
    if inputs.ndim != 2 or target.shape != (len(inputs), 1) or not inputs.size:
        raise ValueError(f"inputs are (rows, columns) and target (rows, 1), got {inputs.shape} and {target.shape}.")
    if not (np.isfinite(inputs).all() and np.isfinite(target).all()):
        raise ValueError("inputs and target must be finite; leave out the rows that are not.")


def _unscaled(
    scaling: Scaling, candidate: Candidate, varied: BoolArray, scaled_table: Table, table: Table
) -> tuple[Law, Candidate]:
    """The network of a candidate that was found in a scaled table, and the candidate, both of all columns.

    Raises:
        ValueError: its relative error is larger in the table as it is, as it overflows or vanishes there.
    """
    law, (x, y), (inputs, target) = scaling.restored(candidate).widened(varied), scaled_table, table
    network = law.network()
    if not scaling.is_needed:
        return network, law
    error = relative_rmse(candidate.predict(x), y)
    if not relative_rmse(predict(network, inputs), target) <= error + MAX_LOSS:
        raise ValueError(
            f"the best candidate overflows or vanishes in float64 where the largest input is {np.abs(inputs).max():g} "
            f"and the largest target {np.abs(target).max():g}, so scale the columns nearer to 1."
        )
    return network, law


def _varied(inputs: FloatArray, target: FloatArray) -> BoolArray:
    """Columns of a sound table that can matter, ``(columns,)``: those that vary, or all if none does."""
    _check(inputs, target)
    varied = np.ptp(inputs, axis=0) > 0
    return np.asarray(varied | ~varied.any())
