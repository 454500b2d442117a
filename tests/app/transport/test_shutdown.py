"""Accepting ends before the listener does: new clients stay out, and begun handshakes complete."""

import socket
import sys
from pathlib import Path

import pytest

from app.transport.shutdown import stop_accepting
from tests.app.raw_http import RawConnection, listening, post, predict_body, without_body

BODY = predict_body([3, 4])

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="packet filters are Linux'")


@needs_linux
def test_new_connections_are_not_accepted_and_waiting_ones_are() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        early = socket.create_connection(listener.getsockname(), timeout=5)
        stop_accepting([listener])
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), timeout=0.3)
        with early, listener.accept()[0]:
            pass


@needs_linux
def test_a_handshake_that_has_begun_completes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # the server ignores the client's last packet of the handshake and waits for one that carries data
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
        listener.settimeout(2)
        with socket.create_connection(listener.getsockname(), timeout=5) as client:
            stop_accepting([listener])
            client.sendall(b"GET /")
            with listener.accept()[0] as served:
                served.settimeout(2)
                assert served.recv(100) == b"GET /"


def test_while_draining_a_connection_is_closed_after_its_answer(root: Path, protocol_name: str) -> None:
    with listening(root, protocol_name) as live, RawConnection(live.port) as connection:
        assert connection.send(post(BODY)).answer().header("connection") is None
        live.service.draining = True
        answer = connection.send(post(BODY)).answer()
        assert answer.predictions() == [[7.0]]
        assert answer.header("connection") == "close"
        assert connection.ends()


def test_a_server_that_stops_announces_that_it_closes_the_connection_it_is_answering(
    root: Path, protocol_name: str
) -> None:
    with listening(root, protocol_name) as live, RawConnection(live.port) as connection:
        held = live.hold()
        connection.send(post(BODY))
        assert held.entered.wait(5)
        for protocol in list(live.server.server_state.connections):
            protocol.loop.call_soon_threadsafe(protocol.shutdown)
        with RawConnection(live.port) as other:  # once this is answered, the shutdown above was seen
            assert other.send(without_body("GET", "/health/live")).answer().status == 200
        held.release.set()
        answer = connection.answer()
        assert answer.predictions() == [[7.0]]
        assert answer.header("connection") == "close"
        assert connection.ends()
