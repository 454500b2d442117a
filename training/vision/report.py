"""What is drawn of a model of pictures: what it says of the held-out ones, and those it is furthest off on."""

from pathlib import Path

import numpy as np

from training.vision.config import FittedPictures, PicturePlan
from training.vision.plots import plot_classes, plot_values
from training.vision.split import PictureParts
from training.vision.worst_predictions import draw_worst


def draw_report(fitted: FittedPictures, plan: PicturePlan, parts: PictureParts, folder: Path) -> list[str]:
    """Draw ``NAME.png`` and ``NAME-worst.png`` in a folder.

    Returns:
        Lines that say where they lie.
    """
    plot, sheet, labels = folder / f"{plan.name}.png", folder / f"{plan.name}-worst.png", parts.test.labels
    ours, _ = fitted.said["interpolation"]
    title = f"{plan.name}: {len(labels)} held-out pictures"
    if plan.classes is None:
        _draw_values(plot, fitted, plan, parts)
    else:
        plot_classes(plot, f"{title}, {plan.head_type} head", labels, ours, plan.classes)
    draw_worst(sheet, f"{title}, the worst first", parts.test, ours, plan.classes)
    return [f"plot     {plot}", f"worst    {sheet}"]


def _draw_values(plot: Path, fitted: FittedPictures, plan: PicturePlan, parts: PictureParts) -> None:
    tests = {"interpolation": parts.test, **({"extrapolation": parts.beyond} if parts.beyond else {})}
    truth = np.concatenate([part.labels for part in tests.values()])
    ours, plain = (np.concatenate(said)[:, 0] for said in zip(*(fitted.said[name] for name in tests), strict=True))
    heads = {f"{plan.head_type} head": ours, "plain head": plain}
    largest = float(parts.train.labels.max()) if parts.beyond else None
    plot_values(plot, f"{plan.name}: {len(truth)} held-out pictures", truth, heads, trained_up_to=largest)
