"""Whether a model that does not resize its pictures takes them in their size."""

from typing import NamedTuple

from app.errors import InvalidInputError, TooLargeError
from app.settings import Settings
from models.manifest import Manifest


class ImageName(NamedTuple):
    """How a message speaks of a picture, or of several of one size."""

    is_: str
    """``"File 0 is"`` or ``"The pictures are"``."""
    it: str
    """``"it"`` or ``"them"``."""


def check_pixels(named: ImageName, width: int, height: int, manifest: Manifest, settings: Settings) -> None:
    """Refuse, from its header, a picture that is too large to be computed unresized.

    Args:
        named: the picture.
        width: in pixels; before or after the picture is turned upright.
        height: likewise.
        manifest: of a model that does not resize.
        settings: the limit, for models that take any size.

    Raises:
        TooLargeError: it has more pixels than the limit.
    """
    limit = settings.max_unresized_pixels
    if manifest.any_size and width * height > limit:
        raise TooLargeError(
            f"{named.is_} {width} x {height} = {width * height} pixels; model '{manifest.name}' does not resize, and "
            f"takes at most {limit}, so make {named.it} smaller, or cut {named.it} into parts."
        )


def check_size(named: ImageName, width: int, height: int, manifest: Manifest) -> None:
    """Refuse an upright picture that has not the size that the model demands, or is smaller than the smallest.

    Raises:
        InvalidInputError: it is that.
    """
    image = manifest.image
    assert image is not None
    if not manifest.any_size:
        if (height, width) != (image.height, image.width):
            raise InvalidInputError(
                f"{named.is_} {width} x {height} pixels; model '{manifest.name}' takes {image.width} x {image.height}."
            )
    elif height < image.height or width < image.width:
        raise InvalidInputError(
            f"{named.is_} {width} x {height} pixels; model '{manifest.name}' takes pictures of at least "
            f"{image.width} x {image.height}; enlarge {named.it} or pad {named.it} with background."
        )
