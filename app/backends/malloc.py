"""Returns freed memory of large batches to the operating system, and keeps the rest in few places.

The C library keeps freed memory in an arena for each thread. For feature maps of images of megapixels those hold
hundreds of megabytes, which no other process can use, and which the next batch, in another thread, allocates again.
Files that many threads read piece by piece leave free pieces in each of them.
"""

import ctypes
import os
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from app.backends import Predictor

LARGE_NUMBERS = 2**18
"""Smallest batch, in numbers, after which memory is trimmed: that takes some milliseconds."""
M_ARENA_MAX = -8
"""The parameter of that name of ``mallopt``, from the GNU C library's malloc.h."""
MAX_ARENAS = 2
ARENA_VARIABLES = {"MALLOC_ARENA_MAX", "GLIBC_TUNABLES"}
"""Variables by which an operator chooses the number of arenas."""


def limit_arenas() -> None:
    """Bound the arenas of this process, unless its environment does; without the GNU C library, do nothing."""
    set_option = _function("mallopt")
    if set_option is not None and not ARENA_VARIABLES & os.environ.keys():
        set_option(M_ARENA_MAX, MAX_ARENAS)


def trim_malloc(predict: Predictor) -> Predictor:
    """Wrap a predictor to trim memory after large batches; without the GNU C library, return it as it is."""
    trim = _function("malloc_trim")
    if trim is None:
        return predict

    def predict_and_trim(inputs: NDArray[Any]) -> NDArray[Any]:
        try:
            outputs: NDArray[Any] = predict(inputs)
            return outputs
        finally:
            if inputs.size >= LARGE_NUMBERS:
                trim(0)

    return predict_and_trim


def _function(name: str) -> Callable[..., int] | None:
    """A function of the GNU C library."""
    try:
        function: Callable[..., int] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # another C library
        return None
    return function
