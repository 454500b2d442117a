"""The tensors of a batch: one array, or as many as a model has inputs or outputs."""

from collections.abc import Sequence
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class TensorTuple:
    """The inputs, or outputs, of a model that has several: arrays with an equal number of rows.

    It has what batching uses of an array: length, shape and slices of rows.

    Args:
        arrays: at least one, each ``(rows, ...)``.
    """

    __slots__ = ("arrays", "shape")

    def __init__(self, arrays: Sequence[NDArray[Any]]) -> None:
        self.arrays = tuple(arrays)
        self.shape: tuple[Any, ...] = (len(arrays[0]), *(array.shape[1:] for array in arrays))
        """Rows, and the shape of a row of each array."""

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, rows: slice) -> Self:
        return type(self)([array[rows] for array in self.arrays])


Tensors = NDArray[Any] | TensorTuple
"""A model's input or output where it has one, all of them where it has several."""


def arrays_of(tensors: Tensors) -> tuple[NDArray[Any], ...]:
    """The arrays, one for each input or output."""
    return tensors.arrays if isinstance(tensors, TensorTuple) else (tensors,)


def tensors_of(arrays: Sequence[NDArray[Any]]) -> Tensors:
    """The inverse of ``arrays_of``."""
    return arrays[0] if len(arrays) == 1 else TensorTuple(arrays)


def concatenate(parts: Sequence[Tensors]) -> Tensors:
    """The rows of all parts, in their order; parts have equal shapes of rows."""
    if isinstance(parts[0], TensorTuple):
        return TensorTuple([np.concatenate(arrays) for arrays in zip(*map(arrays_of, parts), strict=True)])
    return np.concatenate(parts)  # type: ignore[arg-type]


def values_of_row(shape: tuple[Any, ...]) -> int:
    """Values in a row of that shape, or of those shapes where a model has several inputs; at least 1."""
    return max(1, sum(map(prod, shape)) if shape and isinstance(shape[0], tuple) else prod(shape))
