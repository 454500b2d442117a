"""Uploaded images: from files to pixels, safely. Nothing is decoded before its header was checked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.codecs.images import ImageName, check_pixels
from app.errors import TooLargeError, UnsupportedImageError
from app.settings import Settings
from models.decoding import EncodedImage, ImageDecodeError
from models.manifest import Manifest

DECODE_NANOSECONDS = 30
"""Approximate time to decode one pixel of a photograph."""
JPEG_DECODE_NANOSECONDS = 7
"""The same of a JPEG that is not progressive."""
REDUCED_DECODE_NANOSECONDS = 4
"""The same of one that is decoded at a reduced size."""


class Upload:
    """An uploaded image whose header was read and found acceptable.

    Args:
        content: bytes of the file.
        name: the file's, in messages.
        max_pixels: limit of its pixels.
        needed: longer side of the size that the model resizes to, where the image may be decoded at a reduced size;
            None keeps every pixel.

    Raises:
        UnsupportedImageError: the bytes do not begin as an image of a supported format does.
        TooLargeError: the header declares more pixels than the limit.
    """

    def __init__(self, content: bytes, name: str, max_pixels: int, *, needed: int | None = None) -> None:
        self._name = name
        self._content = content
        try:
            self._image = EncodedImage(content)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            # Pillow rejects the largest images itself, before their size can be read
            raise TooLargeError(
                f"{name} declares far more pixels; at most {max_pixels} are taken, so make it smaller."
            ) from error
        except ImageDecodeError as error:
            raise UnsupportedImageError(f"{name} {error}.") from error
        self._needed = needed
        self.reduced = needed is not None and self._image.can_reduce(needed)
        """Whether it is decoded at a reduced size."""
        self.size = width, height = self._image.size
        """Width and height as they are stored, before the image is turned upright."""
        self.pixels = width * height
        if self.pixels > max_pixels:
            raise TooLargeError(
                f"{name} is {width} x {height} = {self.pixels} pixels; at most {max_pixels} are taken, "
                f"so make it smaller."
            )

    @property
    def decode_seconds(self) -> float:
        """Approximate time to decode it."""
        of_jpeg = REDUCED_DECODE_NANOSECONDS if self.reduced else JPEG_DECODE_NANOSECONDS
        return self.pixels * (of_jpeg if self._image.is_sequential_jpeg else DECODE_NANOSECONDS) * 1e-9

    @property
    def name(self) -> ImageName:
        """How messages refer to it."""
        return ImageName(f"{self._name} is", "it")

    @property
    def warning(self) -> str | None:
        """A sentence about the file, once it is decoded; None: it is sound."""
        return self._image.warning

    def decode(self, mode: str) -> NDArray[np.uint8]:
        """Decode the pixels as a viewer shows them, see ``models.decoding``; once.

        Args:
            mode: ``"L"`` for grey, ``"RGB"`` for colour.

        Returns:
            ``(channels, height, width)``.

        Raises:
            UnsupportedImageError: the image is broken, or does not define which samples are black and white.
        """
        try:
            return self._image.decode(mode, self._needed if self.reduced else None)
        except ImageDecodeError as error:
            raise UnsupportedImageError(f"{self._name} {error}.") from error
        finally:
            if not self.reduced:
                self._content = b""

    def reopen(self) -> None:
        """Have the next ``decode`` of an image that was ``reduced`` keep every pixel."""
        self._image, self.reduced = EncodedImage(self._content), False


def open_uploads(
    contents: Sequence[bytes], manifest: Manifest, settings: Settings, *, noun: str = "File"
) -> list[Upload]:
    """Read the headers of the images, and check their pixels against the limits.

    Args:
        contents: of the files.
        manifest: of the model.
        settings: the limits.
        noun: what messages call a file, before its index.

    Raises:
        UnsupportedImageError: a file is no image of a supported format.
        TooLargeError: an image, or all together, have more pixels than a limit.
    """
    uploads = []
    pixels_left = settings.max_request_pixels
    assert manifest.image is not None
    resized = manifest.image.resize
    needed = None
    if resized and manifest.classes is not None:  # a probability tells whether the answer could be another
        needed = max(manifest.image.height, manifest.image.width)
    for index, content in enumerate(contents):
        upload = Upload(content, f"{noun} {index}", settings.max_pixels, needed=needed)
        if not resized:
            check_pixels(upload.name, *upload.size, manifest, settings)
        uploads.append(upload)
        pixels_left -= upload.pixels
        if pixels_left < 0:
            raise TooLargeError(
                f"The {noun.lower()}s have more than {settings.max_request_pixels} pixels together; "
                "send fewer at a time."
            )
    return uploads
