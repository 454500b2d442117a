"""A TCP proxy before the store that delays, trickles, cuts off or changes its answers."""

import socket
import threading
import time
from contextlib import suppress
from typing import Literal

Mode = Literal["pass", "delay", "trickle", "truncate", "corrupt"]
DELAY_SECONDS = 1.0
TRICKLE_SECONDS = 0.05
"""Between two bytes."""
CUT_BYTES = 250
"""Of an answer; its head alone is longer."""


class Proxy:
    """Forwards connections to a port of this machine.

    Attributes:
        mode: what happens to answers. ``corrupt`` changes a byte of every object, and leaves listings as they are.
    """

    def __init__(self, port: int) -> None:
        self.mode: Mode = "pass"
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no further connection."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            store = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        connection = _Connection(self, client, store)
        threading.Thread(target=connection.forward_requests, daemon=True).start()
        connection.forward_answers()


class _Connection:
    def __init__(self, proxy: Proxy, client: socket.socket, store: socket.socket) -> None:
        self._proxy, self._client, self._store = proxy, client, store
        self._lists = False
        """Whether the last request is for a listing."""

    def forward_requests(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(2**16):
                self._lists = b"list-type=" in data.partition(b"\r\n")[0]
                self._store.sendall(data)
        self._close()

    def forward_answers(self) -> None:
        with suppress(OSError):
            while data := self._store.recv(2**16):
                self._send(data)
        self._close()

    def _send(self, data: bytes) -> None:
        mode = self._proxy.mode
        if mode == "delay":
            time.sleep(DELAY_SECONDS)
        elif mode == "truncate":
            self._client.sendall(data[:CUT_BYTES])
            self._close()
            return
        elif mode == "corrupt" and not self._lists and not data.endswith(b"\r\n\r\n"):
            data = data[:-1] + bytes([data[-1] ^ 1])
        if mode != "trickle":
            self._client.sendall(data)
            return
        for byte in data:
            self._client.sendall(bytes([byte]))
            time.sleep(TRICKLE_SECONDS if self._proxy.mode == "trickle" else 0)

    def _close(self) -> None:
        for end in (self._client, self._store):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
