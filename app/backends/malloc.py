"""Returns freed memory of large batches to the operating system.

The C library keeps freed memory in an arena for each thread. For feature maps of images of megapixels those hold
hundreds of megabytes, which no other process can use, and which the next batch, in another thread, allocates again.
"""

import ctypes
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from app.backends import Predictor

LARGE_NUMBERS = 2**18
"""Smallest batch, in numbers, after which memory is trimmed: that takes some milliseconds."""


def trim_malloc(predict: Predictor) -> Predictor:
    """Wrap a predictor to trim memory after large batches; without the GNU C library, return it as it is."""
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
