"""Fits a form to a table, and writes it as a candidate."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate, description_length
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.forms.fit import FormFit, FormProblem
from training.symbolic.forms.nodes import evaluate
from training.symbolic.forms.parse import Form
from training.symbolic.forms.to_candidate import FormWriter
from training.symbolic.snap import simplest_constant
from training.symbolic.subset_least_squares import allowance, inverse_lengths

MAX_STANDARD_ERRORS = 3.0
"""Standard errors that a simple number may lie off the fitted one."""
TOLERANCE_SHARES = (1.0, 1 / 3, 1 / 10)
"""Shares of that, tried one after the other: the widest gives the simplest numbers."""
SAME = 1e-9
"""Relative difference between a form and the candidate that writes it, at most."""
DEPENDENT = 1e-7
"""Share of a constant's effect that the others must leave."""


@dataclass(frozen=True)
class FittedForm:
    """A form with its constants, and what is wrong with it.

    Args:
        candidate: computes it.
        reason: why it cannot be a law whatever its errors are, one clause; None if it can.
    """

    candidate: Candidate
    reason: str | None


def fit_form(
    form: Form,
    inputs: FloatArray,
    target: FloatArray,
    weights: FloatArray | None = None,
    *,
    seed: int = 0,
    deadline: Deadline = NO_DEADLINE,
) -> FittedForm:
    """Fit the free constants of a form, for errors in proportion and for those of one size, and keep the better fit.

    Constants are snapped to simple numbers where the rows allow it; numbers of the form stay as they are.

    Args:
        form: of the table's columns.
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        weights: of the rows, their mean 1, ``(rows,)``; None: 1.
        seed: of start values.
        deadline: checked before every step.

    Raises:
        ValueError: the form is not finite on some row, or is no law.
        DeadlineError: it has passed.
    """
    root = np.ones(len(target)) if weights is None else np.sqrt(weights)
    count, fits = len(form.constants), []
    for size in (np.ones(len(target)), _by_size(target)):
        problem = FormProblem(form.root, inputs, target, root * size, count, deadline)
        fit = problem.fitted(np.random.default_rng(seed))
        if fit is not None:
            values = evaluate(form.root, inputs, fit.constants)[0]
            fits.append((description_length(values, target, count, weights), problem, fit))
    if not fits:
        raise ValueError(f"form '{form.text}' gives no finite numbers on every row for any constants that were tried.")
    _, problem, fit = min(fits, key=lambda trial: trial[0])
    dependent = _dependent(fit)
    constants = fit.constants if dependent else _snapped(problem, fit)
    return FittedForm(_written(form, constants, inputs), _dependent_reason(form, dependent))


def _by_size(values: FloatArray) -> FloatArray:
    size = np.abs(values)
    return np.asarray(1 / np.maximum(size, 1e-3 * np.median(size) + 1e-300))


def _dependent(fit: FormFit) -> list[int]:
    """Places of constants that others make up for on every row, or that change nothing."""
    size = np.linalg.norm(fit.slopes, axis=0)
    slopes = fit.slopes / np.where(size > 0, size, 1.0)
    found = []
    for place in range(len(size)):
        others = np.delete(slopes, place, axis=1)
        left = slopes[:, place] - others @ np.linalg.lstsq(others, slopes[:, place], rcond=1e-12)[0]
        if np.linalg.norm(left) < DEPENDENT:
            found.append(place)
    return found


def _dependent_reason(form: Form, places: list[int]) -> str | None:
    names = [form.constants[place] for place in places]
    if not names:
        return None
    if len(names) == 1:
        return f"the rows do not determine the constant {names[0]} of the form; give a number for it, or leave it out"
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    return f"the rows determine the constants {listed} of the form only together; give a number for one of them"


def _snapped(problem: FormProblem, fit: FormFit) -> FloatArray:
    """Simple constants where they fit as well: all at once, or else each that can be."""
    if not len(fit.constants):
        return fit.constants
    size = np.linalg.norm(fit.slopes, axis=0) / np.sqrt(len(fit.slopes))
    spread = inverse_lengths(fit.slopes / size) * np.sqrt(fit.error) / size
    tolerances = np.maximum(MAX_STANDARD_ERRORS * spread, 1e-13 * np.abs(fit.constants) + 1e-300)
    trials = [
        np.array([simplest_constant(*pair) for pair in zip(fit.constants, share * tolerances, strict=True)])
        for share in TOLERANCE_SHARES
    ]

    def is_as_good(constants: FloatArray) -> bool:
        found = problem.at(constants)
        changed = int(np.sum(constants != fit.constants))
        return found is not None and found.error <= fit.error * allowance(changed, len(problem.target))

    for together in trials:
        if together.all() and is_as_good(together):
            return together
    snapped = fit.constants
    for place in np.argsort(-np.abs(fit.constants)):
        for together in trials:
            trial = snapped.copy()
            trial[place] = together[place]
            if together[place] and is_as_good(trial):
                snapped = trial
                break
    return snapped


def _written(form: Form, constants: FloatArray, inputs: FloatArray) -> Candidate:
    """The candidate that computes the form.

    Raises:
        ValueError: none computes it on these rows.
    """
    try:
        candidate = FormWriter(constants, inputs).candidate(form.root)
    except ValueError as error:
        raise ValueError(f"form '{form.text}' cannot be written as a law: {error}; write it another way.") from error
    values, written = evaluate(form.root, inputs, constants)[0], candidate.predict(inputs)
    if not np.abs(written - values).max() <= SAME * np.abs(values).max():
        raise ValueError(
            f"form '{form.text}' cannot be written as a law: its parts change sign or overflow; write it another way."
        )
    return candidate
