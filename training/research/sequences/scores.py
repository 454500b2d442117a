"""Statistics of a unit over its runs: errors and successes, by length."""

from collections.abc import Mapping, Sequence
from statistics import median

from training.research.sequences.evaluate import success_bound
from training.research.sequences.plan import order
from training.research.sequences.records import RunRecord
from training.research.sequences.recurrent_cell import ORACLE
from training.research.sequences.task import SEQUENCE_TASKS

Rows = Mapping[str, Sequence[RunRecord]]
TYPICAL_DIGIT = 5
"""Mean of the digits 1 to 9: the mean product of n of them is 5^n."""


def rows_of(records: Sequence[RunRecord], task: str) -> Rows:
    """A task's records by unit, in the order of the plan."""
    rows: dict[str, list[RunRecord]] = {}
    for record in sorted(records, key=lambda record: (order(record.task, record.unit), record.seed)):
        if record.task == task:
            rows.setdefault(record.unit, []).append(record)
    return rows


def typical_errors(task: str, rows: Rows) -> dict[str, dict[int, float]]:
    """Median error of each unit over its seeds, by length; only of lengths where every run is finite."""
    result: dict[str, dict[int, float]] = {}
    for unit, runs in rows.items():
        errors = {length: relative_errors(task, runs, length) for length in SEQUENCE_TASKS[task].lengths}
        result[unit] = {length: median(found) for length, found in errors.items() if len(found) == len(runs)}
    return result


def relative_errors(task: str, runs: Sequence[RunRecord], length: int) -> list[float]:
    """The finite mean absolute errors of runs; of products relative to 5^length."""
    found = [run.mae[str(length)] for run in runs]
    scale = TYPICAL_DIGIT**length if task == "product" else 1
    return [error / scale for error in found if error is not None]


def successes(rows: Rows, unit: str, length: int) -> tuple[int, int] | None:
    """Runs of a unit whose mean square error is below the bound, and all its runs; None without a bound."""
    bound = _bound(rows, length)
    if bound is None:
        return None
    errors = [run.mse[str(length)] for run in rows[unit]]
    return sum(error is not None and error < bound for error in errors), len(errors)


def _bound(rows: Rows, length: int) -> float | None:
    errors = [run.mse[str(length)] for run in rows.get(ORACLE, [])]
    return None if None in errors else success_bound([error for error in errors if error is not None])


def has_bound(rows: Rows, task: str) -> bool:
    """Whether the oracle has enough runs for the bound."""
    return _bound(rows, SEQUENCE_TASKS[task].lengths[0]) is not None
