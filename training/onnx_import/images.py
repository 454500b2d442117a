"""Puts before a graph of images what it was trained with: its size, its order of channels, its scale and layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.version_converter import convert_version

from training.data.tables.excerpt import excerpt
from training.errors import InputError
from training.onnx_import.batch import BATCH
from training.onnx_import.signature import Port
from training.onnx_import.surround import AROUND, FLOATS, Surroundings, inner, opset_of, surround

CHANNELS = {"RGB": 3, "BGR": 3, "L": 1}
"""Channels by the order in which a graph takes them; ``L`` is grey."""
LAYOUTS = {"NCHW": (1, 2, 3), "NHWC": (3, 1, 2)}
"""Axes of channels, height and width."""
MIN_OPSET = 13
"""Of the operators around the graph."""


@dataclass(frozen=True)
class ImageOptions:
    """How the graph takes pixels of 0 to 255: ``(pixel / scale - mean) / std``, by channel in the graph's order."""

    channels: str
    size: tuple[int, int] | None = None
    """Height and width; None: the graph's."""
    layout: str | None = None
    """None: by its shape."""
    scale: float = 255.0
    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)
    softmax: bool = False
    """Whether the graph returns logits, and classes need probabilities."""


@dataclass(frozen=True)
class ImageGraph:
    """A graph from the pixels of images, UINT8, to its output of FP32.

    Args:
        model: the graph.
        mode: ``"L"`` or ``"RGB"``, as the service decodes images.
        height: that images are resized to.
        width: likewise.
        source: name of the input.
        result: name of the output.
    """

    model: onnx.ModelProto
    mode: str
    height: int
    width: int
    source: str
    result: str


def make_image_graph(
    model: onnx.ModelProto, inputs: Sequence[Port], outputs: Sequence[Port], options: ImageOptions, path: Path
) -> ImageGraph:
    """The graph with its preprocessing before it.

    Raises:
        InputError: it takes something else than images of these channels and this size, or several tensors.
    """
    if len(inputs) != 1 or len(outputs) != 1:
        repair = "name one output with --outputs" if len(outputs) > 1 else "leave out --channels"
        raise InputError(
            f"A model of images has one input and one output; {path} has {len(inputs)} and {len(outputs)}, so {repair}."
        )
    (port,), (output,) = inputs, outputs
    layout = _layout(port, options, path)
    height, width = _size(port, layout, options, path)
    model = _modern(model, path)
    around = Surroundings(
        [
            helper.make_tensor_value_info(
                port.name, TensorProto.UINT8, [BATCH, CHANNELS[options.channels], "height", "width"]
            )
        ],
        [helper.make_tensor_value_info(output.name, TensorProto.FLOAT, [BATCH, "outputs"])],
    )
    _preprocess(around, port, (height, width), layout, options)
    _postprocess(around, output, options)
    mode = "L" if options.channels == "L" else "RGB"
    return ImageGraph(surround(model, around), mode, height, width, port.name, output.name)


def check_probabilities(outputs: NDArray[np.float32], path: Path, *, logits: bool = False) -> None:
    """Check that a classifier returns probabilities; with ``logits``, that those before the softmax are none yet.

    Raises:
        InputError: it does not, or they are.
    """
    are = bool((outputs >= -1e-6).all() and np.allclose(outputs.sum(1), 1, atol=1e-3))
    if logits and are:
        raise InputError(f"{path} returns probabilities already, whose softmax would be wrong; leave out --softmax.")
    if not logits and not are:
        shown = ", ".join(f"{value:.3g}" for value in outputs[0, :3])
        raise InputError(
            f"{path} returns values such as {shown}, which are no probabilities of {outputs.shape[1]} classes; give "
            "--softmax if they are logits, or leave out --classes."
        )


def _layout(port: Port, options: ImageOptions, path: Path) -> str:
    shape, channels = port.shape or (), CHANNELS[options.channels]
    fitting = [name for name, axes in LAYOUTS.items() if len(shape) == 4 and shape[axes[0]] in (channels, -1)]
    exact = [name for name in fitting if shape[LAYOUTS[name][0]] == channels]
    if options.layout:
        fitting = exact = [options.layout] if options.layout in fitting else []
    if port.datatype not in FLOATS or not fitting:
        raise InputError(
            f"{path}: input '{excerpt(port.name)}' is {port.datatype} of shape {list(shape)}, and images of "
            f"--channels {options.channels} are floats of shape [-1, {channels}, height, width] or [-1, height, width, "
            f"{channels}]; correct --channels or --layout."
        )
    return (exact or fitting)[0]


def _size(port: Port, layout: str, options: ImageOptions, path: Path) -> tuple[int, int]:
    assert port.shape is not None
    fixed = [port.shape[axis] for axis in LAYOUTS[layout][1:]]
    given = options.size or (-1, -1)
    height, width = (own if own != -1 else size for own, size in zip(fixed, given, strict=True))
    if -1 in (height, width):
        raise InputError(
            f"{path} takes images of any size; say with --image-size what they are resized to, as 224 or 480x640."
        )
    if options.size and options.size != (height, width):
        raise InputError(
            f"{path} takes images of {height}x{width} pixels, not {given[0]}x{given[1]}; leave out --image-size."
        )
    return height, width


def _modern(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The graph in operators that stand beside those around it."""
    opset = opset_of(model)
    if opset >= MIN_OPSET:
        return model
    try:
        return convert_version(model, MIN_OPSET)
    except Exception as error:  # its exceptions share no base but this
        raise InputError(
            f"{path} is of opset {opset}, which ONNX cannot convert to {MIN_OPSET}; export it with a newer opset."
        ) from error


def _preprocess(around: Surroundings, port: Port, size: tuple[int, int], layout: str, options: ImageOptions) -> None:
    """UINT8 of any size to the input of the graph. Resizing is that of ``models.preprocessing.resize_matrix``."""

    def by_channel(name: str, values: Sequence[float]) -> str:
        return around.constant(AROUND + name, np.reshape(values, (1, -1, 1, 1)), "<f4")

    node = around.node
    pixels = node("Cast", port.name, to=TensorProto.FLOAT)
    shape = node("Shape", port.name)
    matrices = [_resize_matrix(around, shape, axis, length) for axis, length in zip((2, 3), size, strict=True)]
    pixels = node("MatMul", node("MatMul", matrices[0], pixels), node("Transpose", matrices[1], perm=[1, 0]))
    if options.channels == "BGR":
        pixels = node("Gather", pixels, around.constant(AROUND + "bgr", [2, 1, 0], "<i8"), axis=1)
    pixels = node("Div", pixels, by_channel("scale", [options.scale]))
    if any(options.mean):
        pixels = node("Sub", pixels, by_channel("mean", options.mean))
    if any(value != 1 for value in options.std):
        pixels = node("Div", pixels, by_channel("std", options.std))
    if layout == "NHWC":
        pixels = node("Transpose", pixels, perm=[0, 2, 3, 1])
    around.before.append(helper.make_node("Cast", [pixels], [inner(port.name)], to=FLOATS[port.datatype]))


def _resize_matrix(around: Surroundings, shape: str, axis: int, length: int) -> str:
    """The weights that resize one axis by linear interpolation, averaging when they shrink it."""
    node, name = around.node, f"{AROUND}{axis}/"
    zero, one = around.constant(f"{name}zero", 0, "<f4"), around.constant(f"{name}one", 1, "<f4")
    half, last = around.constant(f"{name}half", 0.5, "<f4"), around.constant(f"{name}last", [1], "<i8")
    target = around.constant(f"{name}grid", np.arange(0.5, length)[:, None], "<f4")
    size = node(
        "Cast", node("Gather", shape, around.constant(f"{name}axis", axis, "<i8"), axis=0), to=TensorProto.FLOAT
    )
    centres = node("Add", node("Range", zero, size, one), half)
    scale = node("Div", size, around.constant(f"{name}length", length, "<f4"))
    distances = node("Abs", node("Sub", centres, node("Mul", target, scale)))
    weights = node("Max", node("Sub", one, node("Div", distances, node("Max", scale, one))), zero)
    return node("Div", weights, node("ReduceSum", weights, last, keepdims=1))


def _postprocess(around: Surroundings, output: Port, options: ImageOptions) -> None:
    """The output as FP32, one row an image."""
    cast = helper.make_node("Cast", [inner(output.name)], [AROUND + "float"], to=TensorProto.FLOAT)
    flat = helper.make_node("Flatten", [AROUND + "float"], [AROUND + "scores"], axis=1)
    last = helper.make_node("Softmax", [AROUND + "scores"], [output.name], axis=1)
    if not options.softmax:
        last = helper.make_node("Identity", [AROUND + "scores"], [output.name])
    around.behind += [cast, flat, last]
