"""Limits of what reading a file may cost. Pixels are limited by whoever opens a file, from its size."""

import io

MAX_HEADER_READS = 20_000
"""Most reads of a header: millions of tiny blocks would take seconds."""
MAX_PIXEL_READS = 1_000_000
"""Most reads of the pixels after it, and no more than a few for each."""
READS_PER_PIXEL = 4
MIN_PART_PIXELS = 2048 * 2048
"""Tiles and frames of up to this size are taken even where the image is smaller."""


class CountedReads(io.BytesIO):
    """A file that is read in a limited number of pieces."""

    _reads_left = MAX_HEADER_READS

    def allow_pixels(self, count: int) -> None:
        """Allow the reads of that many pixels, after those of the header."""
        self._reads_left = MAX_HEADER_READS + min(READS_PER_PIXEL * count, MAX_PIXEL_READS)

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise OSError("more pieces than are read")
        return super().read(size)


def limited_file(content: bytes) -> io.BytesIO:
    """A file of these bytes; one that has too few bytes to be read too often needs no count, which takes time."""
    return io.BytesIO(content) if len(content) <= MAX_HEADER_READS else CountedReads(content)


def is_far_larger(part_width: int, part_height: int, width: int, height: int) -> bool:
    """Whether a part of an image, such as a tile, is so much larger than the image that it would only take memory."""
    return part_width * part_height > max(MIN_PART_PIXELS, 4 * width * height)
