"""Image models: sizes they take, and the response to their outputs."""

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from app.codecs.tabular import NOT_FINITE
from app.errors import InvalidInputError, TooLargeError
from app.settings import Settings
from models.manifest import Manifest

EXTRAPOLATION_MARGIN = 0.05
"""How far outside the trained range of values a prediction may lie before it gets a warning, as a share of that range.

Predictions scatter around the right value, so at both ends of the range about half of them fall outside. Of 450
handwritten digits that the model digit-value had not seen, 13 % were read as less than 0 or more than 9, 3 % as outside
by more than 2 % of the range, and none by more than 5 %.
"""

MIN_REDUCED_PROBABILITY = 0.999
"""Probability of a class from which on the answer to an image that was decoded at a reduced size is given.

Below it the image is decoded in full, and computed again: the closer two classes are, the more a small difference
between pixels moves their probabilities. On the images of ``python -m benchmarks.decoding`` the probabilities of those
above it are within a thousandth of those of a full decode; of others, they are off by up to a half.
"""


class ImageName(NamedTuple):
    """How a message refers to an image, or to several of one size."""

    subject: str
    """With its verb: ``"File 0 is"`` or ``"The images are"``."""
    pronoun: str
    """``"it"`` or ``"them"``."""


def check_pixels(name: ImageName, width: int, height: int, manifest: Manifest, settings: Settings) -> None:
    """Check, before it is decoded, that an image is not too large to be computed unresized.

    Args:
        name: the image's, in messages.
        width: in pixels; before or after the image is turned upright.
        height: likewise.
        manifest: of a model that does not resize.
        settings: the limit of models that take any size.

    Raises:
        TooLargeError: the image has more pixels than the limit.
    """
    limit = settings.max_unresized_pixels
    if manifest.any_size and width * height > limit:
        raise TooLargeError(
            f"{name.subject} {width} x {height} = {width * height} pixels; model '{manifest.name}' does not resize, "
            f"and takes at most {limit}, so make {name.pronoun} smaller, or cut {name.pronoun} into parts."
        )


def check_size(name: ImageName, width: int, height: int, manifest: Manifest) -> None:
    """Check that an upright image has the size that the model requires, or at least its smallest.

    Raises:
        InvalidInputError: it has another size, or a smaller one.
    """
    image = manifest.image
    assert image is not None
    given, required = f"{name.subject} {width} x {height} pixels", f"{image.width} x {image.height}"
    if not manifest.any_size:
        if (height, width) != (image.height, image.width):
            raise InvalidInputError(f"{given}; model '{manifest.name}' takes {required}.")
    elif height < image.height or width < image.width:
        raise InvalidInputError(
            f"{given}; model '{manifest.name}' takes images of at least {required}; enlarge {name.pronoun} or pad "
            f"{name.pronoun} with background."
        )


def encode_response(manifest: Manifest, outputs: NDArray[np.float64], file_warnings: Sequence[str | None]) -> bytes:
    """Encode predictions as JSON.

    Args:
        manifest: of the model.
        outputs: ``(images, outputs)``; a value that is not finite becomes null, with a warning. A value outside the
            range of the values in training by more than ``EXTRAPOLATION_MARGIN`` of its width has a warning too.
        file_warnings: a sentence about each file; None where it is sound.
    """
    predictions = [_prediction(row, manifest) for row in outputs.tolist()]
    warnings = [
        {"file": file, "message": message}
        for file, (prediction, of_file) in enumerate(zip(predictions, file_warnings, strict=True))
        for message in (of_file, _warning(prediction, manifest))
        if message is not None
    ]
    return to_json(
        {
            "model": manifest.name,
            "version": manifest.version,
            "task": manifest.task,
            "predictions": predictions,
            "warnings": warnings,
        }
    )


def _prediction(row: list[float], manifest: Manifest) -> dict[str, Any]:
    values = [value if isfinite(value) else None for value in row]
    if manifest.classes is None:
        return {"value": values[0]}
    label = manifest.classes[row.index(max(row))] if None not in values else None
    return {"label": label, "probabilities": dict(zip(manifest.classes, values, strict=True))}


def _warning(prediction: dict[str, Any], manifest: Manifest) -> str | None:
    if manifest.classes is not None:
        return NOT_FINITE if prediction["label"] is None else None
    value = prediction["value"]
    if value is None:
        return NOT_FINITE
    for lowest, highest in manifest.training.ranges[:1]:
        margin = EXTRAPOLATION_MARGIN * (highest - lowest)
        if value < lowest - margin or value > highest + margin:
            return f"The value {value:g} lies outside {lowest:g} to {highest:g}, the values in training."
    return None
