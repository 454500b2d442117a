"""Accepting ends before the listener does: new clients stay out, and begun handshakes complete."""

import socket
import sys

import pytest

from app.transport.shutdown import stop_accepting

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="packet filters are Linux'")


def test_new_connections_are_not_accepted_and_waiting_ones_are() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        early = socket.create_connection(listener.getsockname(), timeout=5)
        stop_accepting([listener])
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), timeout=0.3)
        with early, listener.accept()[0]:
            pass


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
