"""Checks an input's shape against the model and the service's limits, before any value is read."""

from app.codecs.images import ImageName, check_pixels, check_size
from app.errors import InvalidInputError, TooLargeError
from app.settings import Settings
from models.manifest import Manifest, Tensor

_SHOWN = 8
"""Axes of a shape that a message shows."""
IMAGES = ImageName("The images are", "them")


def check_shape(shape: list[int], expected: Tensor, manifest: Manifest, settings: Settings) -> None:
    """Reject a shape that an input of the model does not take or that exceeds a limit.

    Raises:
        InvalidInputError: another number of axes, another size where the model's is fixed, a size below the model's
            smallest, or an empty axis.
        TooLargeError: more rows, images or pixels than the settings allow.
    """
    declared = expected.shape
    fits = len(shape) == len(declared) and (shape[1:] == declared[1:] or all(map(_fits, shape, declared)))
    if not fits:
        raise InvalidInputError(
            f"Model '{manifest.name}' takes input '{expected.name}' of shape {expected.shape}, where -1 is free; "
            f"the request has {shown(shape)}."
        )
    if 0 in shape:
        raise InvalidInputError(f"Input '{expected.name}' of shape {shape} is empty; send at least one row.")
    if manifest.image is None:
        _check_rows(shape[0], settings)
        return
    _check_images(shape, settings)
    if manifest.any_size:
        check_pixels(IMAGES, shape[3], shape[2], manifest, settings)
        check_size(IMAGES, shape[3], shape[2], manifest)


def _fits(size: int, declared: int) -> bool:
    return declared in (size, -1)


def _check_rows(rows: int, settings: Settings) -> None:
    if rows > settings.max_rows:
        raise TooLargeError(f"The request has {rows} rows; at most {settings.max_rows} are taken, so send several.")


def _check_images(shape: list[int], settings: Settings) -> None:
    images, _, height, width = shape
    if images > settings.max_files:
        raise TooLargeError(
            f"The request has {images} images; at most {settings.max_files} are taken, so send several."
        )
    if height * width > settings.max_pixels:
        raise TooLargeError(
            f"The images are {width} x {height} = {height * width} pixels; at most {settings.max_pixels} are taken, "
            "so make them smaller."
        )
    if images * height * width > settings.max_request_pixels:
        raise TooLargeError(
            f"The images have more than {settings.max_request_pixels} pixels together; send fewer at a time."
        )


def shown(shape: list[int]) -> str:
    """A shape in a message, shortened where the client made it long."""
    return str(shape) if len(shape) <= _SHOWN else f"{str(shape[:_SHOWN])[:-1]}, ...] of {len(shape)} axes"
