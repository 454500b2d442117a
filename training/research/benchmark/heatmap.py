"""The heat map: success rate by unit and range, one panel an operation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.output.figures import new_figure, save_figure
from training.research.benchmark.records import SuccessRecord
from training.research.benchmark.task import DIGIT_RANGES, RANGES

COLUMNS = 2


def draw(path: Path, panels: Mapping[str, Sequence[Sequence[SuccessRecord]]]) -> None:
    """Draw the panels that have more than one range, each a title with its rows of records."""
    shown = {title: rows for title, rows in panels.items() if len(_ranges(rows)) > 1}
    if not shown:
        return
    lines = [list(shown.items())[i : i + COLUMNS] for i in range(0, len(shown), COLUMNS)]
    heights = [max(len(rows) for _, rows in line) + 3 for line in lines]
    figure = new_figure(7.5 * COLUMNS, 0.36 * sum(heights) + 0.6, dpi=90)
    grid = figure.add_gridspec(len(lines), COLUMNS, height_ratios=heights)
    for i, line in enumerate(lines):
        for j, (title, rows) in enumerate(line):
            image = _panel(figure.add_subplot(grid[i, j]), title, rows)
    figure.colorbar(image, ax=figure.axes, label="success rate", shrink=0.5, aspect=40)
    save_figure(figure, path)


def _panel(axes: Any, title: str, rows: Sequence[Sequence[SuccessRecord]]) -> Any:
    ranges = _ranges(rows)
    rates = np.full((len(rows), len(ranges)), np.nan)
    for i, row in enumerate(rows):
        for record in row:
            rates[i, ranges.index(record.range)] = record.successes / record.seeds
    image = axes.imshow(rates, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    axes.set_title(title)
    axes.set_xticks(range(len(ranges)), ranges, fontsize=7, rotation=20)
    axes.set_yticks(range(len(rows)), [row[0].label for row in rows], fontsize=8)
    for (i, j), value in np.ndenumerate(rates):
        if np.isfinite(value):
            colour = "white" if value < 0.5 else "black"
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    return image


def _ranges(rows: Sequence[Sequence[SuccessRecord]]) -> list[str]:
    found = {record.range for row in rows for record in row}
    return [r.name for r in (*RANGES, *DIGIT_RANGES) if r.name in found]
