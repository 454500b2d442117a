"""The plots of a report, as SVG that stands in the page and takes the page's colours, light or dark."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.alternatives import FrontEntry
from models.curves import Curve, Curves
from training.export.evaluation import Evaluation
from training.output.figures import matplotlib_folder, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MODEL, BASELINE, RANGE = "#010101", "#020202", "#030303", "#040404"
COLOURS = {INK: "var(--ink)", MODEL: "var(--model)", BASELINE: "var(--baseline)", RANGE: "var(--range)"}
"""Colours as matplotlib draws them, and what the page calls them."""
MOST_CURVES = 6
"""Columns that are plotted, those along which the model varies most."""
NAMES = {"model": "model", "mlp": "MLP of equal size", "plain_head": "linear head"}  # alias: the last key is of 0.1


def plot_curves(curves: Curves) -> str:
    """The model and the MLP along each column, far beyond its training range, which is shaded."""
    shown = sorted(curves.curves, key=_variation, reverse=True)[:MOST_CURVES]
    rows = -(-len(shown) // 2)
    figure = new_figure(8.4 if len(shown) > 1 else 5.2, 2.9 * rows + 0.3)
    for place, curve in enumerate(shown, start=1):
        axes = figure.add_subplot(rows, min(2, len(shown)), place)
        _draw_curve(axes, curve)
        axes.set_xlabel(curve.column, parse_math=False)
        axes.set_ylabel(curves.target, parse_math=False)
        if place == 1:
            axes.legend(frameon=False, fontsize=8)
    title = f"{curves.target} along {', '.join(curve.column for curve in shown)}, the training range shaded"
    return _svg(figure, "curves", title)


def plot_predictions(evaluation: Evaluation) -> str:
    """Predictions of the held-out rows against their target."""
    figure = new_figure(5.2, 4.2)
    axes = figure.add_subplot(xlabel="actual", ylabel="predicted")
    everything = np.concatenate([part.actual for part in evaluation.parts.values()])
    low, high = float(everything.min()), float(everything.max())
    positive = low > 0 and high > 100 * low
    for (name, part), marker in zip(evaluation.parts.items(), "o^sv", strict=False):
        for network, values in part.predicted.items():
            colour = MODEL if network == "model" else BASELINE
            label = f"{NAMES.get(network, network)}, {name}"
            points = np.array([(x, y) for x, y in zip(part.actual, values, strict=True) if _drawn(y, positive)])
            if len(points):
                axes.plot(*points.T, marker, color=colour, markersize=3, alpha=0.6, label=label)
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, label="predicted = actual")
    if positive:
        axes.set(xscale="log", yscale="log")
        axes.minorticks_off()
    axes.legend(frameon=False, fontsize=8)
    return _svg(figure, "predictions", "Predictions of held-out rows against their actual values")


def plot_front(front: Sequence[FrontEntry]) -> str:
    """Error against complexity of the formulas that the search tried."""
    figure = new_figure(5.2, 3)
    axes = figure.add_subplot(xlabel="numbers that write the formula", ylabel="relative RMSE, training rows")
    axes.set_yscale("log")
    errors = [max(entry.relative_rmse, 1e-16) for entry in front]
    axes.plot([entry.complexity for entry in front], errors, "o-", color=MODEL, markersize=4)
    axes.minorticks_off()
    axes.set_xticks([entry.complexity for entry in front])
    return _svg(figure, "front", "Relative error against complexity of the formulas that the search tried")


def plot_confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Shares of the images of each class, down, that were taken for each, across."""
    counts = np.array(matrix)
    side = min(8.0, 2.5 + 0.32 * len(classes))
    figure = new_figure(side, side)
    axes = figure.add_subplot(xlabel="predicted", ylabel="true")
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    for row, column in np.argwhere(counts):
        size = 80 * shares[row, column] ** 0.5 * 16 / max(len(classes), 16)
        axes.scatter(column, row, s=size, color=MODEL if row == column else BASELINE)
    axes.set_xticks(range(len(classes)), classes, rotation=90 if max(map(len, classes)) > 2 else 0, parse_math=False)
    axes.set_yticks(range(len(classes)), classes, parse_math=False)
    axes.set(xlim=(-0.6, len(classes) - 0.4), ylim=(len(classes) - 0.4, -0.6))
    return _svg(figure, "confusion", "Held-out images by true class, down, and predicted class, across")


def _draw_curve(axes: "Axes", curve: Curve) -> None:
    samples: Mapping[str, Sequence[float | None] | None] = {"model": curve.model, "mlp": curve.mlp}
    axes.axvspan(*curve.range, color=RANGE, alpha=0.25, linewidth=0, label="training range")
    for name, values in samples.items():
        if values is not None:
            numbers = np.array([np.nan if value is None else value for value in values])
            colour, style = (MODEL, "-") if name == "model" else (BASELINE, "--")
            axes.plot(curve.inputs, numbers, style, color=colour, linewidth=1.4, label=NAMES[name])
    known = [value for value in curve.model if value is not None]
    if known:
        margin = 0.5 * (max(known) - min(known)) or 1.0
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, min(known) - margin), min(high, max(known) + margin))


def _variation(curve: Curve) -> float:
    low, high = curve.range
    inside = [y for x, y in zip(curve.inputs, curve.model, strict=True) if low <= x <= high and y is not None]
    return max(inside, default=0.0) - min(inside, default=0.0)


def _drawn(value: float | None, positive: bool) -> bool:
    return value is not None and (value > 0 or not positive)


def _svg(figure: "Figure", name: str, title: str) -> str:
    """A figure as an SVG element of the page: ids of its own, the page's colours, and a title for screen readers."""
    with matplotlib_folder():
        import matplotlib

    for axes in figure.axes:
        axes.tick_params(colors=INK, labelsize=8)
        axes.grid(visible=True, color=INK, alpha=0.15, linewidth=0.6)
        axes.spines[:].set_color(INK)
        for text in (axes.xaxis.label, axes.yaxis.label, *(axes.legend_.get_texts() if axes.legend_ else ())):
            text.set_color(INK)
        axes.set_facecolor("none")
    figure.patch.set_alpha(0)
    content = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(content, format="svg", metadata=nothing)
    svg = content.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    for drawn, variable in COLOURS.items():
        svg = svg.replace(drawn, variable)
    label = f'<title id="{name}-title">{_escaped(title)}</title>'
    return re.sub(r"<svg ([^>]*)>", rf'<svg role="img" aria-labelledby="{name}-title" \g<1>>{label}', svg, count=1)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\\", "\\\\")
