"""Reads an ONNX file into one graph that the service can run: its weights taken in, its operators known."""

from pathlib import Path

import onnx
from onnx.external_data_helper import ExternalDataInfo, load_external_data_for_model, uses_external_data
from onnx.onnx_cpp2py_export.checker import ValidationError

from models.onnx_graph import nodes_of, stored_tensors
from training.data.tables.excerpt import excerpt
from training.errors import InputError

MAX_BYTES = 2**31 - 1
"""Largest file of protobuf, the format of ONNX."""
DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training", "com.microsoft"}
"""Domains of the operators that ONNX Runtime has."""


def read_graph(path: Path) -> onnx.ModelProto:
    """The model of an ONNX file, with the weights that it keeps in other files.

    Raises:
        InputError: it is no ONNX file, has weights that are missing or too large for one file, or custom operators.
        OSError: it cannot be read.
    """
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except OSError:
        raise
    except Exception as error:  # protobuf's DecodeError, whose module is private
        raise InputError(f"{path} is not an ONNX file, or is damaged; export the model again.") from error
    if not model.graph.output or not model.graph.node:
        raise InputError(f"{path} has no graph with operators and outputs, so it is no ONNX model; export it again.")
    _take_in_weights(model, path)
    _check_operators(model, path)
    return model


def _take_in_weights(model: onnx.ModelProto, path: Path) -> None:
    external = [tensor for tensor in stored_tensors(model) if uses_external_data(tensor)]
    if not external:
        return
    infos = [ExternalDataInfo(tensor) for tensor in external]
    total = model.ByteSize() + sum(info.length or 0 for info in infos)
    if total > MAX_BYTES:
        raise InputError(
            f"{path} has {total / 2**30:.1f} GiB of weights; the repository keeps a model in one file, and ONNX allows "
            "it 2 GiB: export it in 16-bit floats, or quantize it."
        )
    try:
        load_external_data_for_model(model, str(path.parent))
    except (OSError, ValueError, ValidationError) as error:
        files = ", ".join(sorted({info.location for info in infos}))
        raise InputError(
            f"{path} keeps weights in {excerpt(files)}, which cannot be read beside it; put the whole files there."
        ) from error


def _check_operators(model: onnx.ModelProto, path: Path) -> None:
    """Check that every operator is ONNX's, ONNX Runtime's or defined in the model."""
    own = {(function.domain, function.name) for function in model.functions}
    for node in nodes_of(model):
        if node.domain not in DOMAINS and (node.domain, node.op_type) not in own:
            raise InputError(
                f"{path} uses the custom operator '{excerpt(node.op_type)}' of '{excerpt(node.domain)}', which ONNX "
                "Runtime does not have and the service does not load; export the model with ONNX's operators only."
            )
