"""Tensor data, as JSON lists or in binary, to arrays. Nothing is coerced: every value must be there, of its type."""

from itertools import chain
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.codecs.v2.strings import BYTES
from app.errors import InvalidInputError
from models.manifest import NUMPY_TYPES

NUMBER_TYPES: dict[str, np.dtype[Any]] = {name: np.dtype(kind) for name, kind in NUMPY_TYPES.items() if name != BYTES}
"""NumPy's type of each datatype of the protocol but strings."""

_KINDS: dict[type, str] = {
    bool: "a boolean",
    int: "an integer",
    str: "a string",
    list: "a list",
    dict: "an object",
    type(None): "null",
    float: "a fraction",
}


def from_json(data: list[Any], name: str, shape: list[int], datatype: str) -> NDArray[Any]:
    """The tensor of an input's ``data``, which is flat or nested as in the shape.

    Raises:
        InvalidInputError: values are missing, too many, of another type, out of range or not finite.
    """
    flat = _flat(data, name, shape)
    expected = prod(shape)
    if len(flat) != expected:
        raise InvalidInputError(
            f"Input '{name}' has {len(flat)} numbers in 'data'; its shape {shape} needs {expected}, so send as many."
        )
    _reject_other_types(flat, name, datatype)
    return _finite(_array(flat, name, datatype).reshape(shape), name)


def from_bytes(
    body: bytes, offset: int, name: str, shape: list[int], datatype: str, *, finite: bool = True
) -> NDArray[Any]:
    """The tensor of numbers whose bytes begin at the offset, complete.

    Raises:
        InvalidInputError: a value is NaN or infinite, where it must be ``finite``.
    """
    tensor = np.frombuffer(body, NUMBER_TYPES[datatype], prod(shape), offset).reshape(shape)
    if not tensor.flags.aligned:  # binary data after JSON starts at any address
        tensor = tensor.copy()
    return _finite(tensor, name) if finite else tensor


def byte_size(shape: list[int], datatype: str) -> int:
    """Bytes of a tensor."""
    return prod(shape) * NUMBER_TYPES[datatype].itemsize


def all_finite(tensor: NDArray[Any]) -> bool:
    """Whether every value is finite."""
    return 0 not in np.isfinite(tensor).tobytes()  # a third of the time of all(), at any size


def _flat(data: list[Any], name: str, shape: list[int]) -> list[Any]:
    if not data or type(data[0]) is not list:
        return data
    level: list[Any] = [data]
    for size in shape:
        if set(map(type, level)) != {list} or set(map(len, level)) != {size}:
            raise InvalidInputError(
                f"Input '{name}' has 'data' that is not nested as its shape {shape}; "
                "nest it so, or send it flat, row-major."
            )
        level = list(chain.from_iterable(level))
    return level


def _reject_other_types(flat: list[Any], name: str, datatype: str) -> None:
    allowed, takes = _accepted(datatype)
    other_types = set(map(type, flat)) - allowed
    if other_types:
        position = next(index for index, value in enumerate(flat) if type(value) in other_types)
        value = "Value" if datatype in ("BOOL", BYTES) else "Number"
        raise InvalidInputError(
            f"{value} {position} of input '{name}' is {_KINDS[type(flat[position])]}; {datatype} takes {takes}."
        )


def _accepted(datatype: str) -> tuple[set[type], str]:
    """Python's types of a datatype's values in JSON, and what they are in words."""
    if datatype == BYTES:
        return {str}, "strings"
    if datatype == "BOOL":
        return {bool}, "true or false"
    if NUMBER_TYPES[datatype].kind == "f":
        return {int, float}, "finite numbers"
    limits = np.iinfo(NUMBER_TYPES[datatype])
    return {int}, f"integers from {limits.min} to {limits.max}"


def _array(flat: list[Any], name: str, datatype: str) -> NDArray[Any]:
    if datatype in ("BOOL", BYTES):
        return np.array(flat, NUMPY_TYPES[datatype])
    if NUMBER_TYPES[datatype].kind == "f":
        return _floats(flat, name, datatype)
    return _integers(flat, name, datatype)


def _integers(flat: list[int], name: str, datatype: str) -> NDArray[Any]:
    try:
        if datatype == "UINT8":
            return np.frombuffer(bytes(flat), np.uint8)  # images: a fifth of the time
        return np.array(flat, NUMBER_TYPES[datatype])
    except (ValueError, OverflowError):
        limits = np.iinfo(NUMBER_TYPES[datatype])
        position = next(index for index, value in enumerate(flat) if not limits.min <= value <= limits.max)
        raise InvalidInputError(
            f"Number {position} of input '{name}' is not within {limits.min} and {limits.max}, the range of {datatype}."
        ) from None


def _floats(flat: list[float], name: str, datatype: str) -> NDArray[Any]:
    try:
        with np.errstate(over="ignore"):  # beyond FP32 becomes infinite, which is rejected below
            return np.array(flat, NUMBER_TYPES[datatype])
    except OverflowError:
        raise InvalidInputError(f"Input '{name}' has an integer beyond the range of {datatype}.") from None


def _finite(tensor: NDArray[Any], name: str) -> NDArray[Any]:
    if tensor.dtype.kind == "f" and not all_finite(tensor):
        place = np.argwhere(~np.isfinite(tensor))[0].tolist()
        raise InvalidInputError(
            f"Input '{name}' is not finite at {place}; send finite numbers, no NaN and no infinity."
        )
    return tensor
