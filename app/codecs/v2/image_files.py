"""Images as files, in a BYTES tensor: base64 in JSON, as KServe has it, or in binary.

It is an addition to the input in a model's metadata, which takes pixels. Its limits are those of a form.
"""

import struct
from typing import Any

from app.codecs.image_body import check_count, decode_images
from app.codecs.v2.shapes import shown
from app.errors import InvalidInputError
from app.settings import Settings

_LENGTH = struct.Struct("<I")


def check_files_shape(shape: list[int], name: str, settings: Settings) -> None:
    """Check the shape of a tensor of files: ``[files]``, or ``[files, 1]`` as Triton's clients send batches.

    Raises:
        InvalidInputError: it has another one, or no file.
        TooLargeError: it has more files than the limit.
    """
    if len(shape) not in (1, 2) or shape[1:] not in ([], [1]) or shape[0] == 0:
        raise InvalidInputError(
            f"Input '{name}' has shape {shown(shape)}; BYTES, with a file for each image, has [images] or [images, 1]."
        )
    check_count(shape[0], settings.max_files, "images")


def files_from_json(data: list[Any], name: str, shape: list[int]) -> list[bytes]:
    """The files of an input's ``data``: base64, flat or nested as in the shape.

    Raises:
        InvalidInputError: there are more or fewer, or one is not base64.
    """
    texts = [row[0] if type(row) is list and len(row) == 1 else row for row in data]
    other = next((index for index, text in enumerate(texts) if type(text) is not str), None)
    if other is not None:
        raise InvalidInputError(f"Image {other} of input '{name}' is not a string; send the file in base64.")
    _check_number(len(texts), name, shape)
    return decode_images(texts, f"inputs.{name}.data")


def files_from_bytes(content: memoryview, name: str, shape: list[int]) -> list[bytes]:
    """The files of binary data, each after its length in four bytes, little-endian.

    Raises:
        InvalidInputError: there are more or fewer, or one is cut off.
    """
    files: list[bytes] = []
    rest = content
    while rest and len(files) <= shape[0]:
        end = _LENGTH.size + (_LENGTH.unpack_from(rest)[0] if len(rest) >= _LENGTH.size else 0)
        if end > len(rest):
            raise InvalidInputError(
                f"Image {len(files)} of input '{name}' is cut off; send each as its length, four bytes little-endian, "
                "and its bytes."
            )
        files.append(bytes(rest[_LENGTH.size : end]))
        rest = rest[end:]
    _check_number(len(files), name, shape)
    return files


def _check_number(files: int, name: str, shape: list[int]) -> None:
    if files != shape[0]:
        found = f"more than {shape[0]}" if files > shape[0] else files
        raise InvalidInputError(f"Input '{name}' has {found} images; its shape {shape} needs {shape[0]}.")
