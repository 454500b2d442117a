"""The plot: error over length of the sequence, one panel a task."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.output.figures import new_figure, save_figure
from training.research.sequences.published import PUBLISHED_ERRORS
from training.research.sequences.recurrent_cell import LSTM, ON_CLASSES, ORACLE
from training.research.sequences.task import SEQUENCE_TASKS

Lines = Mapping[str, Mapping[int, float]]
LABELS = {ORACLE: "exact arithmetic"}
HIGHEST = 1e5
"""Errors above this are off the plot: feedback with a weight above 1 grows without limit."""
COLOURS = {f"NAU{ON_CLASSES}": "C4", f"NMU{ON_CLASSES}": "C4", "NAU": "C0", "NMU": "C0", ORACLE: "black"}
COLOURS |= {"NAC": "C1", "NAC-dot": "C1", "NALU": "C2", LSTM: "C3"}


def draw(path: Path, panels: Mapping[str, Lines]) -> None:
    """Draw each task's errors, medians over the seeds, by unit and length, and published ones as hollow marks."""
    figure = new_figure(5.2 * len(panels), 4.4, dpi=100)
    for axes, (task, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        _panel(axes, task, lines)
    save_figure(figure, path)


def _panel(axes: Any, task: str, lines: Lines) -> None:
    axes.set(title=f"{task}, trained on length {SEQUENCE_TASKS[task].train_length}", xscale="log", yscale="log")
    axes.set_xlabel("digits in the sequence")
    axes.set_ylabel("mean absolute error, median of seeds" + (", / 5^n" if task == "product" else ""))
    for unit, errors in lines.items():
        style = {"color": COLOURS.get(unit), "linestyle": "--" if unit == ORACLE else "-"}
        axes.plot(list(errors), list(errors.values()), "o", markersize=3.5, label=LABELS.get(unit, unit), **style)
    for published in PUBLISHED_ERRORS:
        if (published.task, published.kind) == (task, "mae"):
            lengths, values = list(published.figures), list(published.figures.values())
            label = f"{published.unit}, Trask 2018"
            axes.plot(lengths, values, "s", color=COLOURS[published.unit], mfc="none", label=label)
    drawn = [value for errors in lines.values() for value in errors.values() if value > 0]
    if drawn and max(drawn) > HIGHEST:
        axes.set_ylim(min(drawn) / 2, HIGHEST)
    axes.axvline(SEQUENCE_TASKS[task].train_length, color="0.8", zorder=0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=7.5, frameon=False)
