"""The evaluation of a model of images on its held-out images."""

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from models.arrays import FloatArray, IntArray
from training.data.image_files import ImageFiles
from training.data.labeled_images import Images, LabeledImages
from training.export.evaluation import MOST_WORST, EvaluatedPart, Evaluation, WorstRow, evaluate_part
from training.metrics import predicted_classes
from training.vision.config import BASELINE_HEAD
from training.vision.worst_predictions import shown, worst_first

MOST_CLASSES = 60
"""Classes up to which the confusion matrix is kept."""
THUMBNAIL_PIXELS = 96
"""Longest side of an image as it is kept."""


def evaluate_images(
    predictions: Mapping[str, Sequence[FloatArray]], classes: Sequence[str] | None, tests: Mapping[str, LabeledImages]
) -> Evaluation:
    """Evaluate a model and its baseline on held-out images.

    Args:
        predictions: of both, or of the model alone, for the images of each part: ``(n, outputs)``.
        classes: the class names, or None for regression.
        tests: the images, by part; those of ``"interpolation"`` are shown.
    """
    worst = _worst(tests["interpolation"], predictions["interpolation"][0], classes)
    if classes is None:
        parts = {name: _values(predictions[name], examples.labels) for name, examples in tests.items()}
        return Evaluation(parts=parts, worst=worst)
    rows = {name: EvaluatedPart(rows=len(examples.labels), intervals={}) for name, examples in tests.items()}
    found = predicted_classes(predictions["interpolation"][0])
    truth = tests["interpolation"].labels.astype(np.int64)
    confusion = _confusion(truth, found, len(classes)) if len(classes) <= MOST_CLASSES else None
    return Evaluation(parts=rows, worst=worst, confusion=confusion)


def _values(predictions: Sequence[FloatArray], labels: FloatArray) -> EvaluatedPart:
    heads = dict(zip(("model", BASELINE_HEAD), (each[:, 0] for each in predictions), strict=False))
    return evaluate_part(labels, heads)


def _confusion(truth: IntArray, found: IntArray, classes: int) -> list[list[int]]:
    """How many images of each class were taken for which; those taken for none are left out."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (truth[found >= 0], found[found >= 0]), 1)
    return [[int(count) for count in row] for row in matrix]


def _worst(examples: LabeledImages, outputs: FloatArray, classes: Sequence[str] | None) -> list[WorstRow]:
    """The worst images that are not right, the worst first."""
    labels = examples.labels
    wrong = np.abs(outputs[:, 0] - labels) > 0 if classes is None else predicted_classes(outputs) != labels
    wrong |= ~np.isfinite(outputs).all(1)
    places = [int(place) for place in worst_first(outputs, labels, classes) if wrong[place]]
    return [
        WorstRow(
            part="interpolation",
            row=_file_name(examples.images, place),
            image=_thumbnail(examples.images, place),
            actual=f"{labels[place]:.6g}" if classes is None else classes[int(labels[place])],
            predicted=_predicted(outputs[place], classes),
        )
        for place in places[:MOST_WORST]
    ]


def _predicted(outputs: FloatArray, classes: Sequence[str] | None) -> str:
    if classes is None:
        return f"{outputs[0]:.6g}"
    best = int(predicted_classes(outputs[None])[0])
    return "none, as a probability is not finite" if best < 0 else f"{classes[best]} ({outputs[best]:.0%})"


def _file_name(images: Images, place: int) -> str:
    return images.files[place].name if isinstance(images, ImageFiles) else str(place + 1)


def _thumbnail(images: Images, place: int) -> str:
    image = Image.fromarray(shown(images, place))
    image.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    image.save(content := io.BytesIO(), format="PNG")
    return base64.b64encode(content.getvalue()).decode()
