"""A sheet of the held-out images with the largest errors, each with its label and the prediction."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.arrays import ByteArray, FloatArray, IntArray
from training.data.labeled_images import Images, LabeledImages
from training.output.figures import new_figure, save_figure

SHOWN = 24
COLUMNS = 6
SIDE = 1.7
"""Inches of an image's width."""


def draw_worst_predictions(
    path: Path, title: str, examples: LabeledImages, predictions: FloatArray, classes: Sequence[str] | None
) -> None:
    """Draw the worst of the images, the worst first.

    Args:
        path: the PNG to write.
        title: of the whole figure.
        examples: images and their labels.
        predictions: values ``(n, 1)``, or probabilities ``(n, classes)``.
        classes: the class names, or None for regression.
    """
    worst = worst_first(predictions, examples.labels, classes)[:SHOWN]
    images = [shown(examples.images, int(i)) for i in worst]
    rows = -(-len(worst) // COLUMNS)
    tallest = max(image.shape[0] / image.shape[1] for image in images)
    figure = new_figure(SIDE * COLUMNS, (SIDE * min(max(tallest, 0.3), 1.5) + 0.5) * rows + 0.5)
    figure.suptitle(title, parse_math=False)
    for index, (i, image) in enumerate(zip(worst, images, strict=True), start=1):
        axes = figure.add_subplot(rows, COLUMNS, index)
        axes.imshow(image, cmap="gray", vmin=0, vmax=255)
        axes.set_title(_caption(predictions[i], examples.labels[i], classes), fontsize=8, parse_math=False)
        axes.set_xticks([])
        axes.set_yticks([])
    save_figure(figure, path)


def worst_first(predictions: FloatArray, labels: FloatArray, classes: Sequence[str] | None) -> IntArray:
    """Places of the images, the largest error or the smallest probability of the truth first; not finite is worst."""
    right = labels.astype(np.int64)
    errors = np.abs(predictions[:, 0] - labels) if classes is None else -predictions[np.arange(len(labels)), right]
    return np.argsort(-np.nan_to_num(errors, nan=np.inf), kind="stable")


def shown(images: Images, index: int) -> ByteArray:
    """An image as matplotlib draws it: ``(height, width)`` grey, or ``(height, width, 3)``."""
    image = images[index]
    return image[0] if len(image) == 1 else image.transpose(1, 2, 0)


def _caption(predictions: FloatArray, label: float, classes: Sequence[str] | None) -> str:
    if classes is None:
        return f"true {label:.6g}\npredicted {predictions[0]:.4g}"
    if not np.isfinite(predictions).all():
        return f"true {_short(classes[int(label)])}\npredicted: not finite"
    best = int(predictions.argmax())
    return f"true {_short(classes[int(label)])}\npredicted {_short(classes[best])}, {predictions[best]:.0%}"


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:13]}…"
