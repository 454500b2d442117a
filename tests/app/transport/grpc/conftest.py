"""The service with gRPC, on a repository that no test changes, in this process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tritonclient import grpc as triton

from tests.app.factory import TestClient, running, write_image, write_ratio, write_sum
from tests.app.imported import write_mixed

MAX_BODY_BYTES = 100_000


@dataclass
class Both:
    """The service, over HTTP and over gRPC."""

    http: TestClient
    address: str

    @property
    def service(self) -> Any:
        return self.http.app.state.service

    def count(self, metric: str) -> float:
        """A line of /metrics; 0 where there is none."""
        lines = self.http.get("/metrics").text.splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{metric} ")), 0.0)

    def requests(self, method: str, status: int) -> float:
        route = f"/inference.GRPCInferenceService/{method}"
        return self.count(f'nalu_requests_total{{route="{route}",status="{status}"}}')


@contextmanager
def serving(root: Path, **settings: Any) -> Iterator[Both]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running(root, grpc_port=port, **settings) as http:
        yield Both(http, f"127.0.0.1:{port}")


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    write_sum(root, version=1, weight=100.0, formula=None)
    write_sum(root, version=2)
    write_ratio(root)
    write_image(root, "shade", "classes")
    write_mixed(root)
    return root


@pytest.fixture(scope="session")
def both(repository: Path) -> Iterator[Both]:
    with serving(repository, max_body_bytes=MAX_BODY_BYTES, max_rows=5000, max_json_values=1000) as both:
        yield both


@pytest.fixture
def client(both: Both) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(both.address) as client:
        yield client


def rows(values: Any, name: str = "input", datatype: str = "FP64") -> list[triton.InferInput]:
    array = np.array(values, {"FP64": np.float64, "FP32": np.float32}[datatype])
    return [triton.InferInput(name, list(array.shape), datatype).set_data_from_numpy(array)]
