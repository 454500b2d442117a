"""Strings, the protocol's datatype BYTES: in binary, each is its length in four bytes, little-endian, then UTF-8."""

import struct
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import InvalidInputError, TooLargeError

BYTES = "BYTES"
"""The protocol's datatype of strings."""

_LENGTH = struct.Struct("<I")


def bytes_element(text: str) -> bytes:
    """A string as BYTES encodes it."""
    content = text.encode()
    return _LENGTH.pack(len(content)) + content


def strings_from_bytes(content: bytes, name: str, shape: list[int], max_strings: int) -> NDArray[Any]:
    """The tensor of strings in these bytes.

    Args:
        content: all bytes of the tensor.
        name: of the input.
        shape: of the tensor.
        max_strings: most strings: each takes a Python object, however short it is.

    Raises:
        InvalidInputError: the bytes are not as many strings, or one is not UTF-8.
        TooLargeError: there are more strings than the limit.
    """
    count = prod(shape)
    if count > max_strings:
        raise TooLargeError(f"Input '{name}' has {count} strings; at most {max_strings} are taken, so send several.")
    strings, offset = [], 0
    for position in range(count):
        start = offset + _LENGTH.size
        offset = start + _LENGTH.unpack_from(content, offset)[0] if start <= len(content) else start
        if offset > len(content):
            break
        try:
            strings.append(content[start:offset].decode())
        except UnicodeDecodeError:
            raise InvalidInputError(f"String {position} of input '{name}' is not UTF-8; encode it so.") from None
    if len(strings) < count or offset != len(content):
        raise InvalidInputError(
            f"Input '{name}' has {len(content)} bytes, which are not {count} strings of BYTES, each with its length in "
            "four bytes before it."
        )
    return np.array(strings, object).reshape(shape)
