"""A server on loopback that gives every connection the same answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fixed_server(response: bytes | None) -> Iterator[int]:
    """The port of a server that answers every request with the same bytes; None: with nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.recv(2**16)
                if response is None:
                    held.append(connection)
                else:
                    connection.sendall(response)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        for connection in held:
            connection.close()
