"""Limits of what reading a file may cost. Pixels are limited by whoever opens a file, from its size."""

import io

MAX_READS = 100_000
"""Most reads of one file: a header of millions of tiny blocks would take seconds."""


class CountedReads(io.BytesIO):
    """A file that may be read ``MAX_READS`` times."""

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MAX_READS:
            raise OSError(f"more than {MAX_READS} reads")
        return super().read(size)
