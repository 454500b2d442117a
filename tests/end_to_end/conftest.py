"""A service of the default models for the tests that do not need one of their own."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.default_models import REPOSITORY
from tests.end_to_end.server import Server, free_port, serve


@pytest.fixture(scope="session")
def grpc_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def server(grpc_port: int) -> Iterator[Server]:
    """Over HTTP and gRPC."""
    with serve(REPOSITORY, NALU_DEVICE="cpu", NALU_GRPC_PORT=str(grpc_port)) as running:
        yield running


@pytest.fixture(scope="session")
def torchscript_server() -> Iterator[Server]:
    with serve(REPOSITORY, NALU_DEVICE="cpu", NALU_BACKEND="torchscript") as running:
        yield running
