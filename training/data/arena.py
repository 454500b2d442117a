"""Memory for very many images, taken a slab at a time.

Images that are kept one by one, between the much larger ones that they are made from, leave gaps in the heap that
nothing fits into: 1 GiB of them took 3.7 GiB.
"""

import numpy as np

from models.arrays import ByteArray

SLAB_BYTES = 2**26
"""More than the C library ever takes from its heap, so it takes each slab from the system."""


class Arena:
    """Keeps copies of arrays side by side."""

    def __init__(self) -> None:
        self._slab = np.empty(0, np.uint8)
        self._used = 0

    def copy(self, array: ByteArray) -> ByteArray:
        """A copy of the array that lives as long as any copy beside it."""
        if self._used + array.size > len(self._slab):
            self._slab, self._used = np.empty(max(SLAB_BYTES, array.size), np.uint8), 0
        start, self._used = self._used, self._used + array.size
        copy = self._slab[start : self._used].reshape(array.shape)
        copy[...] = array
        return copy
