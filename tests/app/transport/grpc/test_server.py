"""The server: where it listens, and that its end loses no request."""

import sys
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2_grpc

from app.main import create_app
from app.settings import Settings, SettingsError
from app.transport.grpc.listeners import listening_sockets
from tests.app.factory import running
from tests.app.transport.grpc.conftest import Both, serving
from tests.app.transport.grpc.test_calls import infer_request

CLIENTS = 6


def outcomes_while_draining(both: Both) -> dict[str, int]:
    """What becomes of the requests of clients that each ask again when they are answered, until they are refused."""
    counts: dict[str, int] = {}
    asked = threading.Semaphore(0)

    def ask(stub: Any) -> None:
        while True:
            try:
                stub.ModelInfer(infer_request(), timeout=10)
                outcome = "answered"
            except grpc.RpcError as error:
                unsent = error.code() is grpc.StatusCode.UNAVAILABLE and "failed to connect" in error.details()
                outcome = "refused" if unsent else f"lost: {error.code().name} {error.details()}"
            counts[outcome] = counts.get(outcome, 0) + 1
            asked.release()
            if outcome != "answered":
                return

    options = [("grpc.use_local_subchannel_pool", 1)]  # else they share a connection
    channels = [grpc.insecure_channel(both.address, options=options) for _ in range(CLIENTS)]
    threads = [
        threading.Thread(target=ask, args=[service_pb2_grpc.GRPCInferenceServiceStub(channel)]) for channel in channels
    ]
    for thread in threads:
        thread.start()
    for _ in range(50):
        assert asked.acquire(timeout=10)
    assert both.http.portal is not None
    both.http.portal.call(both.http.app.grpc_server.drain)
    for thread in threads:
        thread.join(10)
    for channel in channels:
        channel.close()
    return counts


def test_the_end_loses_no_request_of_clients_that_wait_for_their_responses(repository: Path) -> None:
    with serving(repository, shutdown_timeout_seconds=5) as both:
        counts = outcomes_while_draining(both)
    assert counts.keys() == {"answered", "refused"}
    assert counts["refused"] == CLIENTS


def test_the_end_of_the_server_ends_streams_that_wait(repository: Path) -> None:
    with serving(repository) as both, grpc.insecure_channel(both.address) as channel:
        ended = threading.Event()

        def requests() -> Any:
            yield infer_request()
            ended.wait(10)

        stream = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(requests())
        assert next(stream).infer_response.model_name == "sum"
        assert both.http.portal is not None
        both.http.portal.call(both.http.app.grpc_server.drain)
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
        ended.set()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert caught.value.details() == "The service is shutting down; send further requests to another."


def test_the_listening_sockets_of_a_port_are_found(both: Both) -> None:
    port = int(both.address.rpartition(":")[2])
    found = list(listening_sockets(port))
    assert found
    assert {each.getsockname()[1] for each in found} == {port}
    for each in found:
        each.close()
    assert not list(listening_sockets(1))


def test_a_port_that_is_taken_is_not_shared_unnoticed(both: Both, repository: Path) -> None:
    port = int(both.address.rpartition(":")[2])
    with pytest.raises(RuntimeError, match=str(port)), running(repository, grpc_port=port):
        pass


def test_without_grpcio_a_port_for_grpc_is_an_error(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "app.transport.grpc.server", None)
    with pytest.raises(SettingsError) as caught:
        create_app(Settings(repository=repository, grpc_port=8001))
    assert str(caught.value) == (
        "NALU_GRPC_PORT is 8001, but gRPC is not installed: pip install 'nalu-serve[grpc]', or leave it out."
    )
