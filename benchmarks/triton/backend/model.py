"""Stands in for Triton's ONNX Runtime backend, in Python: the wheel that brings Triton's core has none.

Triton runs it, as ``backends/onnxruntime/model.py``, in processes of its Python backend. What it derives from a graph
is what the backend in C++ derives (``AutoCompleteConfig`` in onnxruntime_backend): names, datatypes and shapes, a batch
of up to 4 where every first axis is free, and dynamic batching.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

DEFAULT_MAX_BATCH_SIZE = 4
"""Triton's ``default-max-batch-size``, which backends in Python are not given."""
TYPES = {
    "tensor(bool)": "TYPE_BOOL",
    "tensor(double)": "TYPE_FP64",
    "tensor(float)": "TYPE_FP32",
    "tensor(int32)": "TYPE_INT32",
    "tensor(int64)": "TYPE_INT64",
    "tensor(string)": "TYPE_STRING",
    "tensor(uint8)": "TYPE_UINT8",
}
"""Triton's names of ONNX Runtime's types; others are an error."""


class TritonPythonModel:
    """A model of the repository, or one instance of it."""

    @staticmethod
    def auto_complete_config(config: Any) -> Any:
        """Complete a configuration by what the graph declares."""
        session = _open_session(_model_file())
        ports = [*session.get_inputs(), *session.get_outputs()]
        batched = all(port.shape and not isinstance(port.shape[0], int) for port in ports)
        if batched:
            config.set_max_batch_size(DEFAULT_MAX_BATCH_SIZE)
            config.set_dynamic_batching()
        for port in session.get_inputs():
            config.add_input(_declare(port, batched))
        for port in session.get_outputs():
            config.add_output(_declare(port, batched))
        return config

    def initialize(self, args: dict[str, str]) -> None:  # noqa: ARG002 - of the interface
        """Load the graph."""
        self.session = _open_session(_model_file())

    def execute(self, requests: list[Any]) -> list[Any]:
        """A response to each request."""
        return [self._respond(request) for request in requests]

    def _respond(self, request: Any) -> Any:
        feed = {tensor.name(): _decode(tensor.as_numpy()) for tensor in request.inputs()}
        names = list(request.requested_output_names())
        try:
            values = self.session.run(names, feed)
        except Exception as error:  # ONNX Runtime's own exceptions share no base but this
            return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(str(error)))
        outputs = [pb_utils.Tensor(name, value) for name, value in zip(names, values, strict=True)]
        return pb_utils.InferenceResponse(output_tensors=outputs)


def _model_file() -> str:
    """The graph, which Triton names to this process alone: of a bucket, it is a copy in a temporary folder."""
    return os.fsdecode(Path("/proc/self/cmdline").read_bytes().split(b"\0")[1])


def _open_session(path: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _declare(port: Any, batched: bool) -> dict[str, Any]:
    shape = [size if isinstance(size, int) else -1 for size in port.shape]
    return {"name": port.name, "data_type": TYPES[port.type], "dims": shape[1:] if batched else shape}


def _decode(values: Any) -> Any:
    """Strings, which Triton has as bytes, as text."""
    return np.vectorize(bytes.decode, otypes=[object])(values) if values.dtype == object else values
