"""Adaptive pooling in ONNX, which has no such operator: one window for each output location, of images of one size."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from onnxscript import opset18

op: Any = opset18
Translations = dict[Callable[..., Any], Callable[..., Any]]


def translations() -> Translations:
    """What ``torch.onnx.export`` takes as ``custom_translation_table``."""
    aten = torch.ops.aten
    return {
        aten.adaptive_max_pool2d.default: _max_pool,
        aten.adaptive_max_pool3d.default: _max_pool,
        aten._adaptive_avg_pool2d.default: _average_pool,
        aten._adaptive_avg_pool3d.default: _average_pool,
    }


def windows(size: int, count: int) -> list[tuple[int, int]]:
    """Start and end of each output location's window along one axis, as PyTorch defines them."""
    return [(i * size // count, -((i + 1) * size // -count)) for i in range(count)]


def _max_pool(x: Any, output_size: Sequence[int]) -> tuple[Any, Any]:
    """The maxima, and a stand-in for where they lie, which nothing but unpooling reads and ONNX cannot express."""
    return _pool(op.ReduceMax, x, output_size), op.Shape(x)


def _average_pool(x: Any, output_size: Sequence[int]) -> Any:
    return _pool(op.ReduceMean, x, output_size)


def _pool(reduce: Callable[..., Any], x: Any, output_size: Sequence[int]) -> Any:
    axes = list(range(len(x.shape) - len(output_size), len(x.shape)))
    reduce = partial(reduce, keepdims=1)
    if all(count == 1 for count in output_size):
        return reduce(x, op.Constant(value_ints=axes))
    sizes = [x.shape[axis] for axis in axes]
    if not all(isinstance(size, int) for size in sizes):
        to = " x ".join(map(str, output_size))
        raise NotImplementedError(f"adaptive pooling to {to} needs images of one size, so --size N instead of keep")
    for axis, size, count in zip(axes, sizes, output_size, strict=True):  # the maximum of maxima is the maximum
        x = _along(reduce, x, axis, windows(size, count))
    return x


def _along(reduce: Callable[..., Any], x: Any, axis: int, places: list[tuple[int, int]]) -> Any:
    """Reduce every window of one axis."""

    def constant(value: int) -> Any:
        return op.Constant(value_ints=[value])

    slices = [op.Slice(x, constant(start), constant(end), constant(axis)) for start, end in places]
    parts = [reduce(part, constant(axis)) for part in slices]
    return op.Concat(*parts, axis=axis) if len(parts) > 1 else parts[0]
