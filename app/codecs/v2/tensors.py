"""Tensor data, as JSON lists or in binary, to arrays. Nothing is coerced: every value must be present and a number."""

from itertools import chain
from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import InvalidInputError

NUMBER_TYPES: dict[str, np.dtype[Any]] = {"FP64": np.dtype("<f8"), "FP32": np.dtype("<f4"), "UINT8": np.dtype("u1")}
"""NumPy's type of each datatype of the protocol: little-endian."""
MAX_PYTHON_VALUES = 16
"""Values up to which plain Python is faster than NumPy."""

_KINDS: dict[type, str] = {
    bool: "a boolean",
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
    tensor = _pixels(flat, name) if datatype == "UINT8" else _floats(flat, name, datatype)
    return _finite(tensor.reshape(shape), name)


def from_bytes(body: bytes, offset: int, name: str, shape: list[int], datatype: str) -> NDArray[Any]:
    """The tensor whose bytes begin at the offset, complete.

    Raises:
        InvalidInputError: a value is NaN or infinite.
    """
    tensor = np.frombuffer(body, NUMBER_TYPES[datatype], prod(shape), offset).reshape(shape)
    if not tensor.flags.aligned:  # binary data after JSON starts at any address
        tensor = tensor.copy()
    return _finite(tensor, name)


def byte_size(shape: list[int], datatype: str) -> int:
    """Bytes of a tensor."""
    return prod(shape) * NUMBER_TYPES[datatype].itemsize


def all_finite(tensor: NDArray[Any]) -> bool:
    """Whether every value is finite."""
    if tensor.size <= MAX_PYTHON_VALUES:
        return all(map(isfinite, tensor.ravel().tolist()))
    return bool(np.isfinite(tensor).all())


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
    allowed = {int} if datatype == "UINT8" else {int, float}
    other_types = set(map(type, flat)) - allowed
    if other_types:
        position = next(index for index, value in enumerate(flat) if type(value) in other_types)
        takes = "integers from 0 to 255" if datatype == "UINT8" else "finite numbers"
        raise InvalidInputError(
            f"Number {position} of input '{name}' is {_KINDS[type(flat[position])]}; {datatype} takes {takes}."
        )


def _pixels(flat: list[int], name: str) -> NDArray[Any]:
    try:
        return np.frombuffer(bytes(flat), np.uint8)
    except ValueError:
        position = next(index for index, value in enumerate(flat) if not 0 <= value <= 255)
        raise InvalidInputError(
            f"Number {position} of input '{name}' is not within 0 and 255, the range of UINT8."
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
