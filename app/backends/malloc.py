"""Returns freed memory to the operating system, and keeps the rest in few places.

The C library keeps freed memory in an arena for each thread. For feature maps of images of megapixels those hold
hundreds of megabytes, which no other process can use, and which the next batch, in another thread, allocates again.
Files that many threads read piece by piece leave free pieces in each of them, and so do large bodies.
"""

import asyncio
import ctypes
import gc
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from app.backends import Predictor

TRIM_SECONDS = 1.0
"""Interval of the looks at the memory."""
GROWN_BYTES = 4 * 2**20
"""Growth after which freed memory is returned."""
MAX_PAUSE = 64
"""Most looks from one return to the next, which doubles: what a response was made of may be freed long after it."""
MAX_PUT_OFF = 10
"""Looks that it is put off under load, as the C library locks an arena meanwhile."""
PAGE_BYTES = mmap.PAGESIZE
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


async def trim_when_idle(is_idle: Callable[[], bool]) -> None:
    """Return freed memory once the process has grown and has nothing to do, until cancelled.

    Under lasting load it is returned from time to time, without the collection of cyclic garbage, which would delay
    requests. Without the GNU C library, do nothing.

    Args:
        is_idle: whether no request is in flight.
    """
    trim = _function("malloc_trim")
    if trim is None:
        return
    smallest = trimmed = resident_bytes()
    looks, pause = 0, 1
    while True:
        await asyncio.sleep(TRIM_SECONDS)
        looks += 1
        resident = resident_bytes()
        smallest = min(smallest, resident)
        if resident - trimmed >= GROWN_BYTES:
            pause = 1
        idle = is_idle()
        if resident - smallest >= GROWN_BYTES and looks >= (pause if idle else max(pause, MAX_PUT_OFF)):
            if idle:
                gc.collect()
            await asyncio.to_thread(trim, 0)
            trimmed, looks, pause = resident_bytes(), 0, min(2 * pause, MAX_PAUSE)


def resident_bytes() -> int:
    """Memory of this process that is in RAM, as Linux counts it."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


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
