"""Image files, decoded on access as the service decodes them."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from models.arrays import ByteArray
from models.decoding import EncodedImage, ImageDecodeError
from models.preprocessing import ImagePreprocessing
from training.data.prefetch import prefetch_map
from training.errors import InputError

MAX_OWN_PIXELS = 4_000_000
"""Largest image that is trained on in its own size: its feature maps take a gigabyte."""
MIN_OWN_SIDE = 8
"""Shortest side of an image in its own size: the backbones' three halvings leave one location of it."""


class BadImageError(ValueError):
    """A file that is missing or no image.

    Args:
        problem: the reason, without the file's name.
        repair: what to do about it, where it is not obvious.
    """

    def __init__(self, problem: str, repair: str = "") -> None:
        super().__init__(problem)
        self.repair = repair


@dataclass(frozen=True)
class ImageReader:
    """Reads and decodes image files.

    Args:
        mode: ``"L"`` for grey, ``"RGB"`` for colour.
        size: height and width of the network's input; None: each image's own.
        resized: whether images are resized to it, rounded to bytes, or passed on as the service does.
        own_size: whether images are trained on in their own size, within limits.
    """

    mode: str
    size: int | None = None
    resized: bool = False
    own_size: bool = False

    def read(self, file: Path) -> bytes:
        """The bytes of a file.

        Raises:
            BadImageError: it cannot be read.
        """
        try:
            if file.exists() and not file.is_file():  # as a pipe, which would be waited for
                raise BadImageError("is no regular file")
            return file.read_bytes()
        except FileNotFoundError as error:
            raise BadImageError("does not exist") from error
        except BadImageError:
            raise
        except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
            raise BadImageError(f"cannot be read ({getattr(error, 'strerror', error)})") from error

    def decode(self, content: bytes) -> "DecodedFile":
        """Decode the bytes of a file.

        Raises:
            BadImageError: the bytes are no whole image, claim more pixels than Pillow accepts, or do not define which
                samples are black and white.
        """
        try:
            image = EncodedImage(content)
            found = image.decode(self.mode)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise BadImageError(f"claims more than {Image.MAX_IMAGE_PIXELS:,} pixels") from error
        except ImageDecodeError as error:
            raise BadImageError(error.problem, error.repair) from error
        if self.own_size:
            _check_own_size(found)
        return DecodedFile(resize(found, self.size) if self.resized and self.size else found, image.warning)


class DecodedFile(NamedTuple):
    """A decoded image file."""

    pixels: ByteArray
    """``(channels, height, width)``."""
    warning: str | None
    """A sentence about the file; None: it is sound."""


class ImageFiles(Sequence[ByteArray]):
    """Images that take no memory: each is decoded on access; iteration decodes ahead in threads.

    Args:
        files: where they are.
        reader: how they are decoded.
        shapes: of the images, where known.

    Raises:
        InputError: on access, where a file is no longer the image that it was.
    """

    def __init__(self, files: Sequence[Path], reader: ImageReader, shapes: Sequence[tuple[int, ...]] = ()) -> None:
        self.files = list(files)
        self.reader = reader
        self.shapes = list(shapes)

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> ByteArray: ...
    @overload
    def __getitem__(self, index: slice) -> "ImageFiles": ...
    def __getitem__(self, index: int | slice) -> "ByteArray | ImageFiles":
        if isinstance(index, slice):
            return ImageFiles(self.files[index], self.reader, self.shapes[index])
        try:
            return self.reader.decode(self.reader.read(self.files[index])).pixels
        except BadImageError as error:
            raise InputError(f"{self.files[index]} {error}, and was an image before; put it back.") from error

    def __iter__(self) -> Iterator[ByteArray]:
        return prefetch_map(self.__getitem__, range(len(self)))


def shapes_of(images: Sequence[ByteArray]) -> Iterable[tuple[int, ...]]:
    """The shapes of images, without decoding them where they are known."""
    if isinstance(images, ImageFiles) and images.shapes:
        return images.shapes
    return (image.shape for image in images)


def take_images(images: Sequence[ByteArray], index: NDArray[np.integer]) -> Sequence[ByteArray]:
    """The images at these indices, as ``numpy.take``; files are not decoded."""
    if isinstance(images, ImageFiles):
        shapes = [images.shapes[i] for i in index] if images.shapes else ()
        return ImageFiles([images.files[i] for i in index], images.reader, shapes)
    return [images[i] for i in index]


def resize(image: ByteArray, size: int) -> ByteArray:
    """An image in ``size x size`` pixels, as the exported graph resizes it but rounded to bytes."""
    if image.shape[1:] == (size, size):
        return image
    return np.asarray(
        (ImagePreprocessing(size, size).resize(torch.from_numpy(image)[None])[0] * 255).round().byte().numpy()
    )


def _check_own_size(image: ByteArray) -> None:
    height, width = image.shape[1:]
    if min(height, width) < MIN_OWN_SIDE:
        raise BadImageError(f"is {width} x {height} pixels, below the {MIN_OWN_SIDE} a side that --size keep takes")
    if height * width > MAX_OWN_PIXELS:
        raise BadImageError(f"is {width} x {height} pixels, more than the {MAX_OWN_PIXELS:,} that --size keep takes")


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Turn Pillow's warnings of decompression bombs into errors, and ignore its others."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
