"""The plots of a fitted model: its predictions for the held-out images, and the worst of them."""

from pathlib import Path

import numpy as np

from training.vision.config import FittedImageModel, TrainConfig
from training.vision.plots import plot_classes, plot_values
from training.vision.split import ImageSplit
from training.vision.worst_predictions import draw_worst_predictions


def draw_report(fitted: FittedImageModel, plan: TrainConfig, parts: ImageSplit, folder: Path) -> list[str]:
    """Draw ``NAME.png`` and ``NAME-worst.png`` in a folder.

    Returns:
        Lines that say where they lie.
    """
    plot, worst, labels = folder / f"{plan.name}.png", folder / f"{plan.name}-worst.png", parts.test.labels
    ours, _ = fitted.predictions["interpolation"]
    title = f"{plan.name}: {len(labels)} held-out images"
    if plan.classes is None:
        _draw_values(plot, fitted, plan, parts)
    else:
        plot_classes(plot, f"{title}, {plan.head_type} head", labels, ours, plan.classes)
    draw_worst_predictions(worst, f"{title}, the worst first", parts.test, ours, plan.classes)
    return [f"plot     {plot}", f"worst    {worst}"]


def _draw_values(plot: Path, fitted: FittedImageModel, plan: TrainConfig, parts: ImageSplit) -> None:
    tests = {"interpolation": parts.test, **({"extrapolation": parts.beyond} if parts.beyond else {})}
    truth = np.concatenate([part.labels for part in tests.values()])
    ours, baseline = (
        np.concatenate(each)[:, 0] for each in zip(*(fitted.predictions[name] for name in tests), strict=True)
    )
    heads = {f"{plan.head_type} head": ours, "linear head": baseline}
    largest = float(parts.train.labels.max()) if parts.beyond else None
    plot_values(plot, f"{plan.name}: {len(truth)} held-out images", truth, heads, trained_up_to=largest)
