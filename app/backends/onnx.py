"""ONNX Runtime, on CPU or CUDA."""

import logging
import os
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.backends import BackendError, Predictor
from app.backends.tensors import Tensors, arrays_of, tensors_of
from app.errors import InvalidInputError
from models.manifest import ONNX_FILE, Manifest

logger = logging.getLogger(__name__)

TELEMETRY_VARIABLE = "ORT_DISABLE_TELEMETRY"
"""ONNX Runtime's own variable, which it reads once, when it is imported."""

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}

CUDA_OPTIONS = {
    # the default tries every algorithm for each new shape, which takes up to a second; batches and images have many
    "cudnn_conv_algo_search": "HEURISTIC",
    # the default doubles what it holds each time it needs more
    "arena_extend_strategy": "kSameAsRequested",
    # its mantissa of 10 bits is too short for sums over many locations
    "use_tf32": "0",
}
"""Options of CUDA, by ONNX Runtime's documentation; not yet tried on a GPU."""


PRIVATE_SESSION = "_sess"
"""ONNX Runtime's name of the session that its public one wraps; without it, the public one is used."""

EXTERNAL_DATA_KEY = b"location"
"""Key of the file of external data in ONNX's TensorProto: a tensor without it has none that ONNX Runtime reads."""

MAX_REASON = 200
"""Most characters of ONNX Runtime's reason to reject an input."""


def import_onnxruntime() -> Any:
    """ONNX Runtime without its telemetry, unless the environment says otherwise.

    Its builds for Linux and macOS otherwise look up a telemetry host and write a device id and a database below the
    home folder, both from their import on. No other file of the service imports it.
    """
    if not os.environ.get(TELEMETRY_VARIABLE):
        os.environ[TELEMETRY_VARIABLE] = "1"
    import onnxruntime

    return onnxruntime


class OnnxBackend:
    """Runs ``model.onnx``.

    Args:
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        threads: threads of one prediction on the CPU.

    Raises:
        BackendError: CUDA is required and does not start.
    """

    file = ONNX_FILE

    def __init__(self, device: str, threads: int) -> None:
        self._onnxruntime = onnxruntime = import_onnxruntime()
        built_with_cuda = PROVIDERS["cuda"] in onnxruntime.get_available_providers()
        if device == "cuda" and not built_with_cuda:
            raise BackendError(
                "NALU_DEVICE is cuda, but the installed ONNX Runtime has no CUDA: install nalu-serve[gpu] "
                "in the place of onnxruntime, or set NALU_DEVICE=cpu."
            )
        works = built_with_cuda and device != "cpu" and _cuda_starts(onnxruntime)
        if device == "cuda" and not works:
            raise BackendError(
                "NALU_DEVICE is cuda, but ONNX Runtime cannot start CUDA here, for the reason above: "
                "install the NVIDIA driver and CUDA's libraries, or set NALU_DEVICE=cpu."
            )
        if built_with_cuda and device == "auto" and not works:
            logger.warning("ONNX Runtime cannot start CUDA here, so models run on the CPU.")
        self.device = "cuda" if works else "cpu"
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        self._options.inter_op_num_threads = 1
        self._options.enable_cpu_mem_arena = False  # it would keep the memory of the largest image
        self._options.log_severity_level = 3
        # its own format, which it would recognise by its first bytes, is not looked into by check_external_data
        self._options.add_session_config_entry("session.load_model_format", "ONNX")
        # a spinning thread takes the processor from the threads that decode and answer
        self._options.add_session_config_entry("session.intra_op.allow_spinning", "0")

    def load(self, content: bytes, manifest: Manifest) -> Predictor:
        check_external_data(content)
        provider = PROVIDERS[self.device]
        try:
            session = self._onnxruntime.InferenceSession(content, self._options, providers=_providers(self.device))
        except Exception as error:  # ONNX Runtime's own exceptions share no base but this
            _parse(content)
            raise BackendError(f"ONNX Runtime cannot load it: {_first_line(error)}") from error
        if provider not in session.get_providers():
            raise BackendError(f"ONNX Runtime could not start {provider}; its log names the missing library.")
        names = ([i.name for i in session.get_inputs()], [o.name for o in session.get_outputs()])
        declared = ([i.name for i in manifest.inputs], [o.name for o in manifest.outputs])
        if names != declared:
            raise BackendError(
                f"its inputs and outputs are {names}, and the manifest declares {declared}; export the model again."
            )
        if manifest.task != "tensors":
            return _predictor(_run_method(session, self.device), *names)
        run_options = self._onnxruntime.RunOptions()
        run_options.log_severity_level = 4  # an error is the client's, who gets its reason
        return _tensor_predictor(session, manifest, run_options)


def _run_method(session: Any, device: str) -> Any:
    """The session's method without the checks of the public one, a fifth of the time of a row; on CUDA the public one.

    The names are checked when a model is loaded, and no provider of the CPU has another one to fall back to.
    """
    return (session if device == "cuda" else getattr(session, PRIVATE_SESSION, session)).run


def _predictor(run: Any, inputs: list[str], results: list[str]) -> Predictor:
    (source,) = inputs

    def predict(inputs: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(run(results, {source: inputs}, None)[0])

    return predict


def _reason(error: Exception) -> str:
    """What an operator has against its input: ONNX Runtime's message without what stands around it."""
    text = re.sub(r"^.*Status Message: (\S+:\d+ (.*? was false\. )?)?|^\[\w+\] : \d+ : \w+ : ", "", _first_line(error))
    return text[:MAX_REASON].rstrip(" .")


def _tensor_predictor(session: Any, manifest: Manifest, run_options: Any) -> Predictor:
    """Of an imported graph, which may have several inputs and outputs, and may reject values: an unknown category."""
    sources, results = [tensor.name for tensor in manifest.inputs], [tensor.name for tensor in manifest.outputs]

    def predict(inputs: Tensors) -> Tensors:
        try:
            outputs = session.run(results, dict(zip(sources, arrays_of(inputs), strict=True)), run_options)
        except Exception as error:  # ONNX Runtime's own exceptions share no base but this
            raise InvalidInputError(f"Model '{manifest.name}' rejects the inputs: {_reason(error)}.") from error
        return tensors_of([np.asarray(output) for output in outputs])

    return predict


def _providers(device: str) -> list[Any]:
    """Execution providers by preference; the CPU runs the operators that CUDA has no kernel for."""
    return [(PROVIDERS["cuda"], CUDA_OPTIONS), PROVIDERS["cpu"]] if device == "cuda" else [PROVIDERS["cpu"]]


def _cuda_starts(onnxruntime: Any) -> bool:
    """Whether CUDA works, and not only whether ONNX Runtime was built with it: runs a tiny model on it."""
    import onnx.helper

    onnxruntime.preload_dlls()  # CUDA's libraries, where pip installed them
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "probe", [value], [])
    graph.output.append(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1]))
    model = onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)])
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=_providers("cuda"))
        session.run(None, {"x": np.zeros(1, np.float32)})
    except Exception:  # whatever the driver or a library raises
        return False
    return PROVIDERS["cuda"] in session.get_providers()


def check_external_data(content: bytes) -> None:
    """Raise BackendError if the model has external data, for which the manifest has no hash.

    ONNX's own parser, whose import takes longer than a model, is needed only where the key occurs: protobuf stores
    strings as they are.
    """
    if EXTERNAL_DATA_KEY not in content:
        return
    model = _parse(content)
    from onnx.external_data_helper import uses_external_data

    from models.onnx_graph import stored_tensors

    if any(map(uses_external_data, stored_tensors(model))):
        raise BackendError(
            "it stores weights in external files, which have no hash in the manifest; export with external_data=False."
        )


def _parse(content: bytes) -> Any:
    """The model, by ONNX's parser; raises BackendError if it is none."""
    import onnx

    try:
        return onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's DecodeError, whose module is private
        raise BackendError("it is not an ONNX file.") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


BACKEND = OnnxBackend
