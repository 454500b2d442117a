"""find_law: from a table to a network that computes its law, and the formula."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

import numpy as np

from models.alternatives import FrontEntry
from models.arrays import BoolArray, FloatArray, IntArray
from models.law import Law
from training.metrics import relative_rmse
from training.symbolic.acceptance import rejection_reason
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import Deadline, DeadlineError
from training.symbolic.forms.find import fit_form
from training.symbolic.forms.parse import Form
from training.symbolic.formula import formula
from training.symbolic.law_result import LawResult
from training.symbolic.no_law import Outliers, column_names, outlier_reason, rival_reason, search_reason
from training.symbolic.outliers import find_outliers
from training.symbolic.scaled_problem import ScaledProblem, SearchProgress, Table
from training.symbolic.search import MIN_SECONDS, NOT_DECIDED, ROUNDS, SearchResult, search
from training.symbolic.search_space import ANY_LAW, SearchSpace
from training.symbolic.uncertainty import law_uncertainty

SEARCH_SHARE = 0.85
"""Share of the time for the search over all rows; the rest is for that of outliers."""


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
    progress: Callable[[str], None] | None = None,
    clock: Callable[[], float] = monotonic,
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
        progress: called with the kind of candidates that is tried next, and the best formula so far.
        clock: counts the seconds.

    Raises:
        ValueError: shapes that do not fit, numbers, or results of all candidates, that are not finite.
    """
    end, varied = Deadline.after(seconds * (1 - reserve), clock), _varied(inputs, target)
    if space.form is not None:
        return _of_form(space.form, inputs, target, weights, seed, end)
    problem = ScaledProblem.of(inputs, target[:, 0], varied, column_names(columns, len(varied)))
    found, outliers = _search(problem, weights, end, progress, space=space, seed=seed, rounds=rounds)
    return _of_search(problem, found, outliers, weights, rows, seconds)


def _of_search(
    problem: ScaledProblem,
    found: SearchResult,
    outliers: Outliers | None,
    weights: FloatArray | None,
    rows: Sequence[int] | IntArray | None,
    seconds: float,
) -> LawResult:
    """The result of a search."""
    reason = found.reason and (outlier_reason(outliers, problem.text, rows) or search_reason(found, seconds))
    network, law = problem.network(found.candidate), problem.law(found.candidate)
    result = _result(network, law, reason, problem.table, problem.names, weights)
    rivals = problem.rivals(found.candidate, found.rivals)
    return replace(result, remark=None if reason else found.remark, front=problem.front(found.front), rivals=rivals)


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
    network, table = fitted.candidate.network(), (inputs, target[:, 0], weights)
    try:
        reason = fitted.reason or rejection_reason(fitted.candidate, *table, deadline=end, names=form.columns)
    except DeadlineError:
        reason = NOT_DECIDED
    result = _result(network, fitted.candidate, reason, (inputs, target[:, 0]), form.columns, weights)
    return result if reason is None else replace(result, front=_front(fitted.candidate, *table, form.columns))


def _front(
    candidate: Candidate, inputs: FloatArray, target: FloatArray, weights: FloatArray | None, names: Sequence[str]
) -> list[FrontEntry]:
    """The one formula that was fitted, which is no law; none where its error is not finite."""
    text, error = formula(candidate.network(), names), relative_rmse(candidate.predict(inputs), target, weights)
    if text is None or not math.isfinite(error):
        return []
    return [FrontEntry(formula=text.text, complexity=candidate.complexity, relative_rmse=error)]


def _result(
    network: Law,
    law: Candidate,
    reason: str | None,
    table: Table,
    names: Sequence[str],
    weights: FloatArray | None,
) -> LawResult:
    """The result of a network that computes a law, or why it is none."""
    if reason:
        return LawResult(network, None, reason)
    return LawResult(network, formula(network, names), None, law_uncertainty(law, *table, names, weights))


def _search(
    problem: ScaledProblem,
    weights: FloatArray | None,
    end: Deadline,
    progress: Callable[[str], None] | None,
    *,
    space: SearchSpace,
    seed: int,
    rounds: int,
) -> tuple[SearchResult, Outliers | None]:
    """The search over all rows and, where that finds no law, the one for outliers."""
    reported, space = SearchProgress(progress, problem.text), space.of_columns(problem.varied)
    found = search(
        *problem.searched,
        weights,
        space=space,
        names=[name for name, kept in zip(problem.names, problem.varied, strict=True) if kept],
        seed=seed,
        rounds=rounds,
        deadline=end.share(SEARCH_SHARE),
        progress=reported.tried,
        watch=reported.best,
    )
    if rivals := problem.rivals(found.candidate, found.rivals):
        return replace(found, reason=rival_reason(rivals)), None
    if not found.reason:
        return found, None
    reported.tried("outliers")
    return found, find_outliers(*problem.searched, space=space, seed=seed, rounds=min(rounds, 1), deadline=end)


def _check(inputs: FloatArray, target: FloatArray) -> None:
    """Raise ValueError unless shapes and sizes fit."""
    if inputs.ndim != 2 or target.shape != (len(inputs), 1) or not inputs.size:
        raise ValueError(f"inputs are (rows, columns) and target (rows, 1), got {inputs.shape} and {target.shape}.")
    if not (np.isfinite(inputs).all() and np.isfinite(target).all()):
        raise ValueError("inputs and target must be finite; leave out the rows that are not.")


def _varied(inputs: FloatArray, target: FloatArray) -> BoolArray:
    """Columns of a sound table that can matter, ``(columns,)``: those that vary, or all if none does."""
    _check(inputs, target)
    varied = np.ptp(inputs, axis=0) > 0
    return np.asarray(varied | ~varied.any())
