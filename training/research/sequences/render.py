"""The results as tables, with published figures beside them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, stdev

from training.metrics import wilson_interval
from training.output.whole_file import write_whole_file
from training.research.sequences.findings import findings
from training.research.sequences.introduction import INTRODUCTION
from training.research.sequences.plot import draw
from training.research.sequences.published import PUBLISHED_ERRORS, PublishedErrors
from training.research.sequences.records import RunRecord
from training.research.sequences.recurrent_cell import ORACLE
from training.research.sequences.scores import Rows, has_bound, relative_errors, rows_of, successes, typical_errors
from training.research.sequences.task import SEQUENCE_TASKS


def write_report(records: Sequence[RunRecord], folder: Path) -> None:
    """Write ``sequences.md`` and ``sequences.png``."""
    found = {task: rows_of(records, task) for task in SEQUENCE_TASKS if any(record.task == task for record in records)}
    sources = list(dict.fromkeys(p.source for p in PUBLISHED_ERRORS if p.task in found))
    dates = sorted({record.date for record in records})
    parts = [INTRODUCTION.format(dates=" to ".join(dict.fromkeys((dates[0], dates[-1]))))]
    parts += [_section(task, rows, sources) for task, rows in found.items()]
    parts.append("## Sources\n\n" + "\n".join(f"{i}. {text}." for i, text in enumerate(sources, 1)) + "\n")
    write_whole_file(folder / "sequences.md", "\n".join(parts).encode())
    draw(folder / "sequences.png", {task: typical_errors(task, rows) for task, rows in found.items()})


def _section(task: str, rows: Rows, sources: Sequence[str]) -> str:
    published = [p for p in PUBLISHED_ERRORS if p.task == task]
    unit = "mean absolute error over 5^n" if task == "product" else "mean absolute error"
    parts = [
        f"## {task}\n",
        findings(task, rows),
        _runs(rows),
        f"\n{unit.capitalize()}, mean and deviation over the seeds:\n",
    ]
    parts.append(_table(task, rows, [p for p in published if p.kind == "mae"], sources, _error(task, rows)))
    others = {unit: runs for unit, runs in rows.items() if unit != ORACLE}
    if others and has_bound(rows, task):
        parts.append("\nSuccesses, and Wilson's 95 % interval of their rate:\n")
        parts.append(_table(task, others, [p for p in published if p.kind == "success"], sources, _successes(rows)))
    return "\n".join(parts) + "\n"


def _runs(rows: Rows) -> str:
    lines = [
        "| Unit | Seeds | Steps | CNN: error of one digit, mean | root mean square | Validation, length as trained "
        "| Weights [h, z], or largest distance from -1, 0, 1 | Processor time of a run |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for unit, runs in rows.items():
        checked = [run.validation_mae for run in runs if run.validation_mae is not None]
        cells = [
            unit,
            str(len(runs)),
            ", ".join(dict.fromkeys(f"{run.steps:,}" for run in runs)),
            f"{fmean(run.bias for run in runs):+.4f} (largest {max(abs(run.bias) for run in runs):.4f})",
            f"{fmean(run.rmse for run in runs):.3f}",
            _spread(checked, len(runs)),
            _weights(runs),
            f"{fmean(run.seconds for run in runs):.0f} s",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _weights(runs: Sequence[RunRecord]) -> str:
    seen = list(dict.fromkeys(f"[{w[0]:.6g}, {w[1]:.6g}]" for run in runs if (w := run.weights)))
    if seen:
        return ", ".join(seen)
    far = [run.sparsity_error for run in runs if run.sparsity_error is not None]
    return f"{max(far):.2g}" if far else ""


def _table(
    task: str, rows: Rows, published: Sequence[PublishedErrors], sources: Sequence[str], cell: Callable[[str, int], str]
) -> str:
    heads = [f"{unit} ({len(runs)})" for unit, runs in rows.items()]
    heads += [f"*{p.unit}, published [{sources.index(p.source) + 1}]*" for p in published]
    lines = [f"| Length | {' | '.join(heads)} |", "| --- |" + " --- |" * len(heads)]
    for length in SEQUENCE_TASKS[task].lengths:
        cells = [cell(unit, length) for unit in rows]
        cells += [f"*{p.figures[length]:g}*" if length in p.figures else "" for p in published]
        lines.append(f"| {length} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _error(task: str, rows: Rows) -> Callable[[str, int], str]:
    return lambda unit, length: _spread(relative_errors(task, rows[unit], length), len(rows[unit]))


def _successes(rows: Rows) -> Callable[[str, int], str]:
    def cell(unit: str, length: int) -> str:
        found = successes(rows, unit, length)
        if found is None:
            return ""
        low, high = wilson_interval(*found)
        return f"{found[0]}/{found[1]} ({low:.2f} - {high:.2f})"

    return cell


def _spread(values: Sequence[float], runs: int) -> str:
    if len(values) < runs:
        return f"{runs - len(values)} of {runs} not finite"
    return f"{fmean(values):.3g} ± {stdev(values):.2g}" if runs > 1 else f"{values[0]:.3g}"
