"""Plots of a fitted model's predictions for the held-out images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.arrays import FloatArray
from training.metrics import predicted_classes
from training.output.figures import new_figure, save_figure
from training.vision.config import FittedImageModel, TrainConfig
from training.vision.split import ImageSplit
from training.vision.worst_predictions import draw_worst_predictions

MAX_NUMBERED = 20
"""Classes up to which the cells of a confusion matrix show their numbers."""
MAX_NAMED = 60
"""Most classes whose names are drawn."""


def draw_report(fitted: FittedImageModel, config: TrainConfig, parts: ImageSplit, folder: Path) -> list[str]:
    """Draw ``NAME.png`` and ``NAME-worst.png`` in a folder.

    Returns:
        Lines with their paths.
    """
    plot, worst, labels = folder / f"{config.name}.png", folder / f"{config.name}-worst.png", parts.test.labels
    ours = fitted.predictions["interpolation"][0]
    title = f"{config.name}: {len(labels)} held-out images"
    if config.classes is None:
        _plot_both_heads(plot, fitted, config, parts)
    else:
        plot_classes(plot, f"{title}, {config.head_type} head", labels, ours, config.classes)
    draw_worst_predictions(worst, f"{title}, the worst first", parts.test, ours, config.classes)
    return [f"plot     {plot}", f"worst    {worst}"]


def _plot_both_heads(plot: Path, fitted: FittedImageModel, config: TrainConfig, parts: ImageSplit) -> None:
    tests = {"interpolation": parts.test, **({"extrapolation": parts.beyond} if parts.beyond else {})}
    truth = np.concatenate([part.labels for part in tests.values()])
    of_heads = zip(*(fitted.predictions[name] for name in tests), strict=True)
    names = (f"{config.head_type} head", "linear head")
    heads = {name: np.concatenate(each)[:, 0] for name, each in zip(names, of_heads, strict=False)}
    largest = float(parts.train.labels.max()) if parts.beyond else None
    plot_values(plot, f"{config.name}: {len(truth)} held-out images", truth, heads, trained_up_to=largest)


def plot_values(
    path: Path,
    title: str,
    truth: FloatArray,
    predictions: Mapping[str, FloatArray],
    *,
    trained_up_to: float | None = None,
) -> None:
    """Draw predictions against the truth, with the line on which both are equal.

    Args:
        path: the PNG to write.
        title: the plot's title.
        truth: ``(n,)``.
        predictions: for each head, its predictions, ``(n,)``.
        trained_up_to: the largest value in training, where there are larger ones.
    """
    figure = new_figure(6.4, 4.8)
    axes = figure.add_subplot(title=title, xlabel="true", ylabel="predicted")
    ends = float(truth.min()), float(truth.max())
    axes.plot(ends, ends, color="0.6", linewidth=1, zorder=1, label="predicted = true")
    for (name, values), marker, size in zip(predictions.items(), "ox", (16, 18), strict=False):
        drawn = np.isfinite(values)
        axes.scatter(truth[drawn], values[drawn], s=size, marker=marker, alpha=0.7, linewidths=1, zorder=2, label=name)
    if trained_up_to is not None:
        axes.axvspan(ends[0], trained_up_to, color="0.93", zorder=0, label="values in training")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False)
    save_figure(figure, path)


def plot_classes(path: Path, title: str, truth: FloatArray, probabilities: FloatArray, classes: Sequence[str]) -> None:
    """Draw the confusion matrix: for each true class, how many images were taken for which; not finite is none.

    Args:
        path: the PNG to write.
        title: the plot's title.
        truth: class indices, ``(n,)``.
        probabilities: ``(n, classes)``.
        classes: their names.
    """
    count = len(classes)
    matrix = np.zeros((count, count), np.int64)
    predicted = predicted_classes(probabilities)
    drawn = predicted >= 0
    np.add.at(matrix, (truth[drawn].astype(np.int64), predicted[drawn]), 1)
    side = min(12.0, 4.0 + 0.3 * count)
    figure = new_figure(side, side)
    axes = figure.add_subplot(title=title, xlabel="predicted", ylabel="true")
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if count <= MAX_NAMED:
        names = [name if len(name) <= 16 else f"{name[:15]}…" for name in classes]
        axes.set_xticks(range(count), names, rotation=90 if max(map(len, names)) > 2 else 0, parse_math=False)
        axes.set_yticks(range(count), names, parse_math=False)
    if count <= MAX_NUMBERED:
        for i, j in np.argwhere(matrix):
            colour = "white" if shares[i, j] > 0.6 else "black"
            axes.text(j, i, str(matrix[i, j]), ha="center", va="center", fontsize=8, color=colour)
    save_figure(figure, path)
