"""Sentences above a task's table, made from the results: the claims, and whether they are reached."""

from statistics import fmean, median
from textwrap import fill

from training.research.sequences.plan import MAIN, MAIN_SEEDS, OTHER, OTHER_SEEDS
from training.research.sequences.scores import Rows, has_bound, successes
from training.research.sequences.task import SEQUENCE_TASKS

TARGETS = {"sum": 57.3 / 5}
"""Target of the mean absolute error at length 1000: a fifth of NAC's in Trask et al. 2018."""
RATE = 0.8
"""Target of the success rate at every length of the product: the published one at length 20."""
LONGEST = "1000"


def findings(task: str, rows: Rows) -> str:
    """Whether the task's own unit reaches its target, and which planned runs are missing."""
    own = MAIN[task][0]
    parts = [
        _error(task, own, rows) if task in TARGETS else "",
        _rate(own, rows) if task == "product" else "",
        _divergence(own, rows) if task == "count" else "",
    ]
    return fill(" ".join(part for part in [*parts, _missing(task, rows)] if part), 120) + "\n"


def _error(task: str, own: str, rows: Rows) -> str:
    errors = [error for run in rows.get(own, []) if (error := run.mae[LONGEST]) is not None]
    if len(errors) < OTHER_SEEDS:
        return f"**Not shown**: an error below {TARGETS[task]:.4g} at length {LONGEST} needs {OTHER_SEEDS} finite runs."
    mean = fmean(errors)
    reached = "**Reached**" if mean < TARGETS[task] else "**Not reached**"
    bias = fmean(run.bias for run in rows[own])
    return (
        f"{reached}: an error below {TARGETS[task]:.4g} at length {LONGEST}, a fifth of NAC's published 57.3; it is "
        f"{mean:.4g}, {57.3 / mean:.1f} times smaller. The CNN's mean error of {bias:+.4f} a digit makes "
        f"{1000 * abs(bias):.3g} of it or less."
    )


def _rate(own: str, rows: Rows) -> str:
    if own not in rows or not has_bound(rows, "product"):
        return f"**Not shown**: success of {own}; the bound needs {OTHER_SEEDS} runs of the baseline."
    found = {length: successes(rows, own, length) or (0, 1) for length in SEQUENCE_TASKS["product"].lengths}
    below = [f"{length} ({good}/{runs})" for length, (good, runs) in found.items() if good / runs < RATE]
    runs = len(rows[own])
    if runs < OTHER_SEEDS:
        text = f"**Not shown**: {runs} seeds of {own} are too few for a rate of {RATE}"
    else:
        text = f"**{'Not reached' if below else 'Reached'}**: a success rate of {RATE} at every length to 20"
    return f"{text}; it is below that at length {', '.join(below)}." if below else f"{text}."


def _divergence(own: str, rows: Rows) -> str:
    """Counting with a matrix of weights diverges where one is not whole, as it is applied at every digit."""
    runs = [run for run in rows.get(own, []) if run.sparsity_error is not None]
    if not runs:
        return ""
    whole = [run for run in runs if run.sparsity_error == 0]
    text = f"Weights of {own} were whole after training in {len(whole)} of {len(runs)} seeds"
    errors = [error for run in whole if (error := run.mae[LONGEST]) is not None]
    if errors:
        text += f", with a median error of {median(errors):.3g} at length {LONGEST} (NAC's published: 3.32)"
    others = [error for run in runs if run not in whole and (error := run.mae[LONGEST]) is not None]
    listed = ", ".join(f"{error:.2g}" for error in sorted(others))
    return f"{text}; those of the others were not, and their counts diverge: {listed}." if others else f"{text}."


def _missing(task: str, rows: Rows) -> str:
    planned = dict.fromkeys(MAIN[task], MAIN_SEEDS) | dict.fromkeys(OTHER[task], OTHER_SEEDS)
    fewer = [
        f"{unit} {len(rows.get(unit, []))} of {seeds}"
        for unit, seeds in planned.items()
        if len(rows.get(unit, [])) < seeds
    ]
    return f"Runs made so far, of those planned: {', '.join(fewer)}." if fewer else ""
