"""The door that is closed before the listener is: new clients stay out, whoever has begun to come in comes in."""

import socket
import sys

import pytest

from app.transport.shutdown import stop_accepting

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="packet filters are Linux'")


def test_nobody_comes_in_any_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        early = socket.create_connection(listener.getsockname(), timeout=5)
        stop_accepting([listener])
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), timeout=0.3)
        with early, listener.accept()[0]:
            pass  # who waited to be accepted is


def test_a_handshake_that_has_begun_comes_to_its_end() -> None:
    """Its last packet and the request are ordinary packets, which a filter that drops them all would lose."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=5)
        served = listener.accept()[0]
    with client, served:
        stop_accepting([served])  # shows what the filter lets through: the rest of a handshake cannot be held back here
        served.settimeout(2)
        client.sendall(b"GET /")
        assert served.recv(100) == b"GET /"
