"""The server: where it listens, and that its end loses no request."""

import socket
import sys
import threading
from contextlib import closing
from pathlib import Path
from queue import Queue
from time import monotonic, sleep
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2_grpc

from app.main import create_app
from app.settings import Settings, SettingsError
from app.transport.grpc.listeners import listening_sockets
from tests.app.certificates import Certificate, make_certificate
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


def test_a_stream_that_goes_on_at_the_end_gets_an_error_in_the_stream(repository: Path) -> None:
    with serving(repository) as both, grpc.insecure_channel(both.address) as channel:
        ended = threading.Event()

        def requests() -> Any:
            while not ended.wait(0.01):
                yield infer_request()

        stream = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(requests())
        assert next(stream).infer_response.model_name == "sum"
        assert both.http.portal is not None
        draining = both.http.portal.start_task_soon(both.http.app.grpc_server.drain)
        errors = [response.error_message for response in stream if response.error_message and not ended.set()]
        draining.result(10)
    assert set(errors) == {"The service is shutting down; send further requests to another."}


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


def test_grpc_has_the_certificate_of_http_and_takes_a_new_one(
    repository: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"

    def install(made: Certificate) -> None:
        certificate.write_bytes(made.certificate.read_bytes())
        key.write_bytes(made.key.read_bytes())

    def ask(both: Both, trusted: Certificate, name: str) -> str:
        options = [("grpc.ssl_target_name_override", name), ("grpc.use_local_subchannel_pool", 1)]
        trust = grpc.ssl_channel_credentials(trusted.certificate.read_bytes())
        with grpc.secure_channel(both.address, trust, options) as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            return str(stub.ModelInfer(infer_request(), timeout=10).model_name)

    ours, other = make_certificate(tmp_path), make_certificate(tmp_path, "other")
    install(ours)
    with serving(repository, ssl_certfile=certificate, ssl_keyfile=key) as both:
        assert ask(both, ours, "localhost") == "sum"
        install(other)
        assert ask(both, other, "other") == "sum"
        certificate.write_text("nothing")
        assert ask(both, other, "other") == "sum"
    assert "gRPC goes on with the certificate that was read before." in caplog.text


def test_a_private_key_with_a_password_is_refused(repository: Path, tmp_path: Path) -> None:
    locked = make_certificate(tmp_path, "locked", "secret")
    files = {"ssl_certfile": locked.certificate, "ssl_keyfile": locked.key, "ssl_keyfile_password": "secret"}
    with pytest.raises(SettingsError) as caught:
        create_app(Settings(repository=repository, grpc_port=8001, **files))
    assert str(caught.value) == (
        f"NALU_GRPC_PORT is 8001, and gRPC takes no private key with a password, as that in '{locked.key}' is; "
        "give one without, or leave the port out."
    )


class RawStream:
    """A stream that is opened by hand and sends no message, on a connection that answers pings or does not."""

    def __init__(self, address: str, *, answers: bool) -> None:
        host, port = address.split(":")
        self._socket = socket.create_connection((host, int(port)))
        self._answers = answers
        fields = {
            ":method": "POST",
            ":scheme": "http",
            ":path": "/inference.GRPCInferenceService/ModelStreamInfer",
            ":authority": "localhost",
            "content-type": "application/grpc",
            "te": "trailers",
        }
        literals = (b"\0%c%b%c%b" % (len(n), n.encode(), len(v), v.encode()) for n, v in fields.items())
        opening = [self._frame(4, 0, 0), self._frame(1, 4, 1, b"".join(literals))]  # SETTINGS, HEADERS
        self._socket.sendall(b"".join([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", *opening]))

    @staticmethod
    def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    def is_open_after(self, seconds: float) -> bool:
        """Receive for a while; whether the server has not closed the connection by then."""
        received, end = b"", monotonic() + seconds
        while (left := end - monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                part = self._socket.recv(65536)
            except TimeoutError:
                return True
            if not part:
                return False
            received += part
            while len(received) >= (size := 9 + int.from_bytes(received[:3], "big")):
                kind, flags, payload, received = received[3], received[4], received[9:size], received[size:]
                if kind == 6 and not flags and self._answers:  # PING
                    self._socket.sendall(self._frame(6, 1, 0, payload))
        return True

    def close(self) -> None:
        self._socket.close()


@pytest.mark.slow
@pytest.mark.parametrize("answers", [False, True])
def test_the_connection_of_a_silent_stream_is_closed_whether_or_not_its_client_answers_pings(
    repository: Path, answers: bool
) -> None:
    with (
        serving(repository, keep_alive_seconds=0.3, send_timeout_seconds=0.3) as both,
        closing(RawStream(both.address, answers=answers)) as stream,
    ):
        assert not stream.is_open_after(10)


@pytest.mark.slow
def test_a_stream_may_be_silent_as_long_as_a_connection_may_idle_and_no_longer(repository: Path) -> None:
    with serving(repository, keep_alive_seconds=1.0) as both, grpc.insecure_channel(both.address) as channel:
        messages: Queue[Any] = Queue()
        stream = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(iter(messages.get, None))
        for _ in range(4):  # longer in all, but never at once
            messages.put(infer_request())
            assert next(stream).error_message == ""
            sleep(0.4)
        with pytest.raises(grpc.RpcError) as ended:
            next(stream)
        messages.put(None)
    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    assert ended.value.details() == (
        "The stream has had no message for 1 seconds, the limit of NALU_KEEP_ALIVE_SECONDS; open another."
    )
