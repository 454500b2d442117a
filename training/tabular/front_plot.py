"""The front plot: accuracy against complexity of the formulas that a search tried."""

from collections.abc import Sequence
from pathlib import Path

from models.alternatives import FrontEntry
from training.output.figures import new_figure, save_figure

FLOOR = 1e-16
"""Errors of 0 are drawn here, at the precision of float64."""
MAX_LETTERS = 40
"""Of a formula in the legend, at most."""


def plot_front(path: Path, title: str, front: Sequence[FrontEntry], law: str | None) -> None:
    """Draw the error of the best formula of each complexity, each with its number, and the formulas as a legend.

    Args:
        path: the PNG to write; its folder is made if it is missing.
        title: the plot's title.
        front: the formulas, the least complex first.
        law: that of them which is the law, marked by a star; None: none is.
    """
    figure = new_figure(9, 4.2)
    axes = figure.add_subplot(yscale="log", title=title)
    axes.set_xlabel("complexity (numbers that write the formula)")
    axes.set_ylabel("relative RMSE, training rows")
    complexities, errors = [each.complexity for each in front], [max(each.relative_rmse, FLOOR) for each in front]
    axes.plot(complexities, errors, drawstyle="steps-post", color="0.8", zorder=1)
    for entry, error in zip(front, errors, strict=True):
        is_law = entry.formula == law
        label = f"{entry.complexity}: {_shown(entry.formula)}".replace("$", r"\$")
        marker, size = ("*", 12) if is_law else ("o", 6)
        axes.plot([entry.complexity], [error], marker, markersize=size, label=f"{label} (law)" if is_law else label)
    axes.locator_params(axis="x", integer=True)
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")
    save_figure(figure, path)


def _shown(formula: str) -> str:
    return formula if len(formula) <= MAX_LETTERS else f"{formula[: MAX_LETTERS - 3]}..."
