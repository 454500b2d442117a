"""Asks a server by NVIDIA's own clients, over HTTP and gRPC."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from benchmarks.triton.compare import Arrays
from benchmarks.triton.servers import LOOPBACK, Running

TRANSPORTS = {"HTTP": tritonclient.http, "gRPC": tritonclient.grpc}
Refused = InferenceServerException


class Clients:
    """Both clients of a server."""

    def __init__(self, server: Running) -> None:
        self.server = server
        ports = {"HTTP": server.http, "gRPC": server.grpc}
        self._by = {name: kit.InferenceServerClient(f"{LOOPBACK}:{ports[name]}") for name, kit in TRANSPORTS.items()}

    def server_version(self) -> str:
        """Of the server."""
        return str(self._by["HTTP"].get_server_metadata()["version"])

    def metadata(self, name: str) -> dict[str, Any]:
        """Of a model, over HTTP."""
        found: dict[str, Any] = self._by["HTTP"].get_model_metadata(name)
        return found

    def metadata_over_grpc(self, name: str) -> dict[str, Any]:
        """Of a model, in the form of HTTP: JSON of gRPC has its 64-bit integers as text."""
        found: dict[str, Any] = self._by["gRPC"].get_model_metadata(name, as_json=True)
        for tensor in [*found["inputs"], *found["outputs"]]:
            tensor["shape"] = [int(size) for size in tensor["shape"]]
        return found

    def config(self, name: str) -> dict[str, Any]:
        """Of a model."""
        found: dict[str, Any] = self._by["HTTP"].get_model_config(name)
        return found

    def ready_versions(self) -> dict[str, set[str]]:
        """Of each model in the index."""
        ready: dict[str, set[str]] = {}
        for entry in self._by["HTTP"].get_model_repository_index():
            if entry.get("state") == "READY":
                ready.setdefault(entry["name"], set()).add(entry["version"])
        return ready

    def infer(self, transport: str, name: str, inputs: Mapping[str, NDArray[Any]], version: str = "") -> Arrays:
        """The outputs, all of them.

        Raises:
            Refused: the server answers with an error.
        """
        kit = TRANSPORTS[transport]
        tensors = []
        for key, values in inputs.items():
            tensor = kit.InferInput(key, list(values.shape), np_to_triton_dtype(values.dtype))
            tensors.append(tensor.set_data_from_numpy(values))
        result = self._by[transport].infer(name, tensors, model_version=version)
        response = result.get_response()
        names = [each["name"] for each in response["outputs"]] if transport == "HTTP" else _names(response)
        return {each: result.as_numpy(each) for each in names}

    def refuses(self, name: str, inputs: Mapping[str, NDArray[Any]], version: str = "") -> str | None:
        """The error that the server answers; None: it predicts."""
        try:
            self.infer("HTTP", name, inputs, version)
        except Refused as error:
            return str(error.message())
        return None


def _names(response: Any) -> list[str]:
    return [output.name for output in response.outputs]


def rows(*values: Sequence[float]) -> dict[str, NDArray[Any]]:
    """A table of numbers, for an input called ``input``."""
    return {"input": np.array(values, dtype=np.float64)}
