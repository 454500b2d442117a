"""Metadata of the server and its models, as the protocol and Triton define it."""

from importlib.metadata import version
from typing import Any

from app.codecs.v2.strings import BYTES
from app.service import Service
from models.manifest import Manifest, Tensor

EXTENSIONS = [
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "statistics",
]
PLATFORMS = {"onnx": "onnxruntime_onnx", "torchscript": "pytorch_libtorch"}
"""Triton's platform of each backend."""
BACKENDS = {"onnx": "onnxruntime", "torchscript": "pytorch"}


def server_metadata() -> dict[str, Any]:
    """Name, version and extensions."""
    return {"name": "nalu-serve", "version": version("nalu-serve"), "extensions": EXTENSIONS}


def model_metadata(service: Service, manifest: Manifest) -> dict[str, Any]:
    """Inputs and outputs of a model, and its served versions."""
    return {
        "name": manifest.name,
        "versions": [str(number) for number in served_versions(service, manifest.name)],
        "platform": PLATFORMS.get(service.settings.backend, service.settings.backend),
        "inputs": [_tensor(tensor) for tensor in manifest.inputs],
        "outputs": [_tensor(tensor) for tensor in manifest.outputs],
    }


def model_config(service: Service, manifest: Manifest) -> dict[str, Any]:
    """The applicable part of Triton's model configuration; ``dims`` leave out the batch axis."""
    settings = service.settings
    return {
        "name": manifest.name,
        "platform": PLATFORMS.get(settings.backend, settings.backend),
        "backend": BACKENDS.get(settings.backend, settings.backend),
        "version_policy": {"all": {}},
        "max_batch_size": settings.max_rows if manifest.image is None else settings.max_files,
        "input": [_config_tensor(tensor) for tensor in manifest.inputs],
        "output": [_config_tensor(tensor) for tensor in manifest.outputs],
        "default_model_filename": service.repository.backend.file,
        "parameters": _parameters(manifest),
    }


def served_models(service: Service) -> list[tuple[str, int]]:
    """Name and version of every served model."""
    return [key for key, entry in service.repository.entries() if entry.model is not None]


def served_versions(service: Service, name: str) -> list[int]:
    """The served versions of a model."""
    return [number for served, number in served_models(service) if served == name]


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}


def _config_tensor(tensor: Tensor) -> dict[str, Any]:
    kind = "STRING" if tensor.datatype == BYTES else tensor.datatype
    return {"name": tensor.name, "data_type": f"TYPE_{kind}", "dims": tensor.shape[1:]}


def _parameters(manifest: Manifest) -> dict[str, Any]:
    known = {"summary": manifest.summary, "unit": manifest.unit, "formula": manifest.formula}
    return {name: {"string_value": value} for name, value in known.items() if value is not None}
