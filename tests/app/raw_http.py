"""The service behind a real socket, in this process so that tests can hold its models, and a client of raw bytes."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from numpy.typing import NDArray
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.main import create_app
from app.service import Service
from app.settings import Settings
from app.transport.fast_path import FastPathProtocol
from tests.app.factory import LIMIT_SECONDS, wait_until

PROTOCOLS = {"fast_path": FastPathProtocol, "uvicorn": HttpToolsProtocol}
PATH = "/predict/arithmetic"


@dataclass
class LiveService:
    """A service that listens."""

    port: int
    service: Service
    server: uvicorn.Server

    def counted(self, **labels: str) -> float:
        """Requests counted for POST /predict/arithmetic, or for the route named, with that status."""
        return self.value("nalu_requests_total", **({"route": PATH} | labels))

    def hold(self) -> "HeldModel":
        """Let the test hold the computations of model sum from now on."""
        model = self.service.repository.get("sum")
        model.predict = held = HeldModel()
        self.service.batching._batchers.pop(id(model), None)  # they would go on with the model's own predictor
        return held

    def value(self, name: str, **labels: str) -> float:
        self.service.metrics.flush()
        return self.service.metrics.registry.get_sample_value(name, labels) or 0.0


@contextmanager
def listening(
    root: Path,
    protocol_name: str = "fast_path",
    *,
    server: dict[str, Any] | None = None,
    sockets: list[socket.socket] | None = None,
    **settings: Any,
) -> Iterator[LiveService]:
    """The service on that repository, once it is ready.

    It listens on a free port, or on sockets that are bound; ``server`` are further settings of uvicorn.
    """
    values = {"repository_poll_seconds": 0, "threads": 1} | settings
    app = create_app(Settings(repository=root, **values))
    config = uvicorn.Config(
        app,
        port=0,
        http=PROTOCOLS[protocol_name],
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        **(server or {}),
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, args=(sockets,))
    thread.start()
    try:
        wait_until(lambda: running.started and app.state.service.ready)
        name = running.servers[0].sockets[0].getsockname()
        yield LiveService(name[1] if isinstance(name, tuple) else 0, app.state.service, running)
    finally:
        running.should_exit = True
        thread.join()


@dataclass
class Answer:
    """One HTTP answer as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)

    def predictions(self) -> Any:
        """The predictions of an answer that has some."""
        assert self.status == 200, self.body[:300]
        return json.loads(self.body)["predictions"]


class RawConnection:
    """A connection over which raw bytes go."""

    def __init__(self, port: int, *, receive_buffer: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(LIMIT_SECONDS)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, *packets: bytes) -> "RawConnection":
        for packet in packets:
            self.socket.sendall(packet)
        return self

    def answer(self, method: str = "POST") -> Answer:
        """The next answer; one to HEAD has no body."""
        status = int(self._file.readline().split()[1])
        headers = []
        while line := self._file.readline().strip():
            name, _, value = line.decode("latin-1").partition(": ")
            headers.append((name, value))
        length = int(dict(headers).get("content-length", 0)) if method != "HEAD" and status >= 200 else 0
        return Answer(status, headers, self._file.read(length))

    def ends(self) -> bool:
        """Whether the server closes the connection now, with nothing more to say; it closes idle ones much later."""
        self.socket.settimeout(3)
        try:
            return self._file.read() == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self) -> None:
        self._file.close()
        self.socket.close()


def post(body: bytes, *headers: str, path: str = PATH, version: str = "1.1", length: bool = True) -> bytes:
    """A request as bytes."""
    lines = [f"POST {path} HTTP/{version}", "Host: here", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def without_body(method: str, path: str = PATH, *headers: str) -> bytes:
    """A request as bytes."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: here", *headers, "", ""]).encode()


def predict_body(*rows: list[float], model: str = "sum", length: int = 0) -> bytes:
    """A body, padded with blanks to a length."""
    return f'{{"model": "{model}", "inputs": {[list(row) for row in rows]}}}'.encode().ljust(length)


class HeldModel:
    """Stands in for a model's predictor: the sum of each row, once the test lets it; fails where a row holds 13."""

    def __init__(self, *, held: bool = True) -> None:
        self.release = threading.Event()
        if not held:
            self.release.set()
        self.entered = threading.Event()
        self.batches: list[NDArray[Any]] = []
        self.threads: list[int] = []

    def __call__(self, inputs: NDArray[Any]) -> NDArray[Any]:
        self.batches.append(inputs)
        self.threads.append(threading.get_ident())
        self.entered.set()
        assert self.release.wait(2 * LIMIT_SECONDS)
        if (inputs == 13).any():
            raise RuntimeError("This model cannot stand 13.")
        return inputs.sum(tuple(range(1, inputs.ndim)), dtype=np.float64)[:, None]

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]
