"""The images of a request's body: the files of a form, or base64 in JSON."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from app.codecs.base64_data import decode_base64
from app.codecs.image_schemas import ImageForm, ImagesInJSON
from app.codecs.json_limits import check_json
from app.codecs.multipart import media_type, read_form
from app.codecs.validation import invalid_body
from app.errors import InvalidInputError, TooLargeError
from app.settings import Settings


class ImageBody(NamedTuple):
    """A body whose fields are valid; its images are not opened yet."""

    model: str
    version: int | None
    contents: list[bytes]
    """The files, in their order."""
    noun: str
    """What messages call a file."""


def read_image_body(content_type: str, body: bytes, settings: Settings) -> ImageBody:
    """Read a form, or JSON.

    Args:
        content_type: of the body. Any other than a form is JSON too if it begins as an object, as ``curl -d`` sends it.
        body: all of it.
        settings: the limits.

    Raises:
        InvalidInputError: it is neither, lacks a field, repeats one that is taken once, or an image is not base64.
        TooLargeError: it has more images than the limit.
    """
    kind = media_type(content_type)
    if kind == "application/json" or (kind != "multipart/form-data" and body[:64].lstrip().startswith(b"{")):
        return _read_json(body, settings)
    return _read_form(content_type, body, settings.max_files)


def check_count(images: int, max_files: int, noun: str) -> None:
    """Check the number of images.

    Raises:
        TooLargeError: there are more than the limit.
    """
    if images > max_files:
        raise TooLargeError(f"The request has {images} {noun}; at most {max_files} are taken, so send several.")


def decode_images(texts: Sequence[str], location: str) -> list[bytes]:
    """The files whose base64 a JSON has.

    Raises:
        InvalidInputError: one is not base64; it is named by its index.
    """
    return [decode_base64(text, f"Image {index}", f"{location}.{index}") for index, text in enumerate(texts)]


def _read_json(body: bytes, settings: Settings) -> ImageBody:
    check_json(body, settings.max_json_depth, settings.max_json_values)
    try:
        request = ImagesInJSON.model_validate_json(body)
    except ValidationError as error:
        raise invalid_body(error) from error
    check_count(len(request.images), settings.max_files, "images")
    return ImageBody(request.model, request.version, decode_images(request.images, "body.images"), "Image")


def _read_form(content_type: str, body: bytes, max_files: int) -> ImageBody:
    fields = read_form(content_type, body)
    values: dict[str, Any] = {
        name: given if name == "files" else _single(name, given) for name, given in fields.items()
    }
    try:
        form = ImageForm.model_validate(values)
    except ValidationError as error:
        raise invalid_body(error) from error
    check_count(len(form.files), max_files, "files")
    return ImageBody(form.model, form.version, form.files, "File")


def _single(name: str, given: list[str | bytes]) -> str | bytes:
    if len(given) > 1 and name in ImageForm.model_fields:
        raise InvalidInputError(
            f"The form has {len(given)} fields '{name}', and one is taken; send one request for each."
        )
    return given[-1]
