"""Runs a model that was loaded, so that no client waits for its first run, and verifies its outputs."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.backends import BackendError, Predictor
from app.backends.tensors import arrays_of, tensors_of
from app.errors import InvalidInputError
from models.manifest import NUMPY_TYPES, Manifest, Tensor

WARM_UP_ROWS = (2, 1, 64)
"""Batch sizes of the warm-up. Two is first, as it fails where the batch axis is not free."""
WARM_UP_NUMBERS = 2**20
"""Maximum size of a warm-up batch in numbers, so that large images do not take gigabytes."""
WARM_UP_TIMES = 2
"""TorchScript profiles the first run and compiles in the second."""


def warm_up(predict: Predictor, manifest: Manifest, outputs: Sequence[Tensor], file: Path) -> None:
    """Run the model on batches of several sizes.

    Args:
        predict: the model.
        manifest: declares its inputs.
        outputs: as they are declared.
        file: it was loaded from, for the messages.

    Raises:
        BackendError: it fails, or its outputs do not match the declared ones.
    """
    if manifest.image is not None:
        import models.decoding  # noqa: F401 - imports Pillow, for which the first image would have to wait
    for shapes in _shapes(manifest):
        try:
            inputs = [_trial(tensor, shape) for tensor, shape in zip(manifest.inputs, shapes, strict=True)]
            for _ in range(WARM_UP_TIMES):
                results = arrays_of(predict(tensors_of(inputs)))
        except InvalidInputError as error:
            raise BackendError(f"{file} fails on a trial input: {error.detail}") from error
        except Exception as error:  # runtimes raise exceptions of all kinds
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise BackendError(f"{file} fails on a trial input: {lines[0]}") from error
        for result, declared in zip(results, outputs, strict=True):
            _check(result, declared, shapes[0][0], file)


def _shapes(manifest: Manifest) -> list[list[list[int]]]:
    """Shapes of the inputs of each run. Where the image size is free, one has another size, to verify that it is."""
    rows = [_row_shape(tensor, manifest) for tensor in manifest.inputs]
    fitting = WARM_UP_NUMBERS // max(1, sum(map(prod, rows)))
    batches = dict.fromkeys(min(batch, max(2, fitting)) for batch in WARM_UP_ROWS)
    shapes = [[[batch, *row] for row in rows] for batch in batches]
    if manifest.image is not None and manifest.inputs[0].shape[-1] == -1:
        channels, height, width = rows[0]
        shapes.append([[1, channels, height + 1, width + 2]])
    return shapes


def _row_shape(tensor: Tensor, manifest: Manifest) -> list[int]:
    if tensor.example is not None:
        return list(np.shape(tensor.example))
    if manifest.image is not None:
        return [tensor.shape[1], manifest.image.height, manifest.image.width]
    return [max(1, size) for size in tensor.shape[1:]]


def _trial(tensor: Tensor, shape: list[int]) -> NDArray[Any]:
    """An input of that shape: the manifest's example in every row, else ones or empty strings."""
    value = tensor.example
    if value is None:
        value = "" if tensor.datatype == "BYTES" else 1
    return np.full(shape, value, NUMPY_TYPES[tensor.datatype])


def _check(result: NDArray[Any], declared: Tensor, rows: int, file: Path) -> None:
    sizes = [rows, *declared.shape[1:]]
    fits = result.ndim == len(sizes) and all(
        size in (-1, found) for size, found in zip(sizes, result.shape, strict=True)
    )
    if not fits or result.dtype != NUMPY_TYPES[declared.datatype]:
        raise BackendError(
            f"{file} returns {result.dtype} of shape {result.shape}, the manifest declares {declared.datatype} "
            f"of shape {tuple(declared.shape)}."
        )
