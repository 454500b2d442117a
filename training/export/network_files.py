"""The files of a network: ONNX and TorchScript, and what each of them computes."""

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from models.arrays import Predict
from models.law import Law, SimplifiedLaw
from models.law_spread import LawSpread
from models.manifest import INTERVAL_FILES, ONNX_FILE, TORCHSCRIPT_FILE, WEIGHTS_FILE
from training.export.checkpoint import ExportableNetwork, save_checkpoint
from training.export.onnx_predictor import cpu_session
from training.export.strip_metadata import strip_onnx, strip_torchscript

INPUT, OUTPUT = "input", "output"
MODEL_FILES = (ONNX_FILE, TORCHSCRIPT_FILE, WEIGHTS_FILE)
OPSET = 20
"""Version of ONNX's operators in the graph of a law."""


def write_files(network: ExportableNetwork, example: Tensor, folder: Path) -> None:
    """Write ONNX, TorchScript and checkpoint: those of the model, or of its intervals.

    Args:
        network: in evaluation mode; a ``LawSpread`` makes intervals.
        example: see ``write_onnx``.
        folder: where to.
    """
    graph = network.simplified() if isinstance(network, Law) else network
    onnx_file, torchscript_file, weights_file = file_names(network)
    write_onnx(graph, example, folder / onnx_file)
    write_torchscript(graph, example, folder / torchscript_file)
    save_checkpoint(network, folder / weights_file)


def predictors(folder: Path, files: Sequence[str] = MODEL_FILES) -> dict[str, Predict]:
    """What the ONNX and the TorchScript file of a network in a folder compute, by file name."""
    onnx_file, torchscript_file, _ = files
    return {onnx_file: _onnx(folder / onnx_file), torchscript_file: _torchscript(folder / torchscript_file)}


def file_names(network: ExportableNetwork) -> tuple[str, ...]:
    """Names of a network's ONNX, TorchScript and checkpoint files."""
    return tuple(map(INTERVAL_FILES.__getitem__, MODEL_FILES)) if isinstance(network, LawSpread) else MODEL_FILES


def write_onnx(network: nn.Module, example: Tensor, path: Path) -> None:
    """Write a network as one ONNX file without external data; batch size and image size are dynamic.

    Args:
        network: in evaluation mode.
        example: an input of at least two rows, or images whose height differs from their width: the exporter treats
            a dimension of 1, and two equal dimensions, as fixed.
        path: the file to write.
    """
    with _quiet_exporter():
        is_law = isinstance(network, SimplifiedLaw | LawSpread)
        model = _traced_law(network, example) if is_law else _exported(network, example)
    onnx.save_model(strip_onnx(model), path)


def _exported(network: nn.Module, example: Tensor) -> onnx.ModelProto:
    from training.export.adaptive_pool import translations  # slow to import, and not needed for laws

    axes = {0: torch.export.Dim("batch")}
    if example.ndim == 4:
        axes |= {2: torch.export.Dim("height", min=1), 3: torch.export.Dim("width", min=1)}
    program = torch.onnx.export(
        network,
        (example,),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=(axes,),
        external_data=False,
        verbose=False,
        custom_translation_table=translations(),
    )
    assert program is not None
    return program.model_proto


def _traced_law(law: nn.Module, example: Tensor) -> onnx.ModelProto:
    """A law by the tracing exporter: it has few operators and no branch, and this is much faster."""
    content, batch = io.BytesIO(), {0: "batch"}
    torch.onnx.export(
        law,
        (example,),
        content,  # type: ignore[arg-type]  # takes files, too
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes={INPUT: batch, OUTPUT: batch},
        opset_version=OPSET,
        dynamo=False,
    )
    return onnx.load_model_from_string(content.getvalue())


def write_torchscript(network: nn.Module, example: Tensor, path: Path) -> None:
    """Write a network as TorchScript, traced on an example."""
    # the trace needs no check of its own: every file is compared with the network
    with _quiet_exporter(), patch.object(Function, "apply", classmethod(_forward_of)):
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
    content = io.BytesIO()
    torch.jit.save(traced, content)
    path.write_bytes(content.getbuffer())
    strip_torchscript(path)


def _forward_of(function: type[Function], *inputs: Any) -> Any:
    """The forward pass of an autograd function in plain operators; TorchScript cannot save the function itself."""
    separate = function.setup_context is not Function.setup_context
    return function.forward(*inputs) if separate else function.forward(FunctionCtx(), *inputs)


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Hide the exporter's notes about itself and packages that are not needed, and its dumps of graphs that fail."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _onnx(path: Path) -> Predict:
    session = cpu_session(path)
    return lambda inputs: np.asarray(session.run([OUTPUT], {INPUT: inputs})[0])


def _torchscript(path: Path) -> Predict:
    module = torch.jit.load(path)  # type: ignore[no-untyped-call]
    return lambda inputs: np.asarray(module(torch.from_numpy(inputs)).detach().numpy())
