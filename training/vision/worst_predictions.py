"""A sheet of the held-out pictures that a model is most wrong about, each with the truth and what was said."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.collate import Pictures
from training.figures import new_figure, save_figure
from training.vision.config import Examples, Numbers

SHOWN = 24
COLUMNS = 6
SIDE = 1.7
"""Inches of a picture's width."""


def draw_worst(path: Path, title: str, examples: Examples, said: Numbers, classes: Sequence[str] | None) -> None:
    """Draw the worst of the pictures, the worst first.

    Args:
        path: the PNG to write.
        title: the sheet's title.
        examples: pictures and their labels.
        said: values ``(n, 1)``, or probabilities ``(n, classes)``.
        classes: the class names, or None for regression.
    """
    worst = worst_first(said, examples.labels, classes)[:SHOWN]
    pictures = [shown(examples.pictures, int(i)) for i in worst]
    rows = -(-len(worst) // COLUMNS)
    tallest = max(picture.shape[0] / picture.shape[1] for picture in pictures)
    figure = new_figure(SIDE * COLUMNS, (SIDE * min(max(tallest, 0.3), 1.5) + 0.5) * rows + 0.5)
    figure.suptitle(title, parse_math=False)
    for place, (i, picture) in enumerate(zip(worst, pictures, strict=True), start=1):
        axes = figure.add_subplot(rows, COLUMNS, place)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(_caption(said[i], examples.labels[i], classes), fontsize=8, parse_math=False)
        axes.set_xticks([])
        axes.set_yticks([])
    save_figure(figure, path)


def worst_first(said: Numbers, labels: Numbers, classes: Sequence[str] | None) -> NDArray[np.int64]:
    """Places of the pictures, the largest error or the smallest probability of the truth first; not finite is worst."""
    right = labels.astype(np.int64)
    errors = np.abs(said[:, 0] - labels) if classes is None else -said[np.arange(len(labels)), right]
    return np.argsort(-np.nan_to_num(errors, nan=np.inf), kind="stable")


def shown(pictures: Pictures, place: int) -> NDArray[np.uint8]:
    """A picture as matplotlib draws it: ``(height, width)`` grey, or ``(height, width, 3)``."""
    picture = pictures[place]
    return picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)


def _caption(said: Numbers, label: float, classes: Sequence[str] | None) -> str:
    if classes is None:
        return f"true {label:.6g}\nsaid {said[0]:.4g}"
    best = int(said.argmax())
    return f"true {_short(classes[int(label)])}\nsaid {_short(classes[best])}, {said[best]:.0%}"


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:13]}…"
