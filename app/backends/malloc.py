"""Memory of large batches, given back.

The C library keeps what is freed, in pieces for each thread. Of feature maps for pictures of megapixels those are
hundreds of megabytes, which nobody else can use, and which the next batch, in another thread, takes once more.
"""

import ctypes
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from app.backends import Predictor

LARGE_NUMBERS = 2**18
"""Least numbers of a batch that is worth a look, of some milliseconds, through what was freed."""


def trim_malloc(predict: Predictor) -> Predictor:
    """A model that gives back the memory of large batches after each. Where that is not known to be done, the model."""
    trim = _trim()
    if trim is None:
        return predict

    def predict_and_trim(inputs: NDArray[Any]) -> NDArray[Any]:
        try:
            return predict(inputs)
        finally:
            if inputs.size >= LARGE_NUMBERS:
                trim(0)

    return predict_and_trim


def _trim() -> Callable[[int], int] | None:
    """``malloc_trim`` of the GNU C library."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library
        return None
    return trim
