"""The service in this process, on connections without sockets: what is left is its own work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import thread_time
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from app.main import Application, create_app
from app.settings import Settings
from app.transport.fast_path import FastPathProtocol
from benchmarks.serving.bodies import Body
from benchmarks.serving.servers import ROOT

HEADERS = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
"""Of wrk."""
TURN = 64
"""Connections that have a request in one turn of the event loop."""


class Transport:
    """A connection whose client takes everything; it counts the responses."""

    def __init__(self) -> None:
        self.responses = 0

    def write(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"The service answered {data[:500]!r}.")
        self.responses += 1

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 4711) if name in ("peername", "sockname") else default

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def request(body: Body) -> bytes:
    """A request as wrk sends it."""
    return HEADERS % (body.path.encode(), body.content_type.encode(), len(body.content)) + body.content


@asynccontextmanager
async def running(repository: Path = ROOT / "repository") -> AsyncIterator[Application]:
    """The service, ready."""
    app: Any = create_app(
        Settings(repository=repository, repository_poll_seconds=0, threads=1, max_queue_delay_seconds=60)
    )
    async with app.router.lifespan_context(app):
        while not app.state.service.ready:  # noqa: ASYNC110 - in another thread
            await asyncio.sleep(0.01)
        yield app


class Connections:
    """As many connections as a turn has requests.

    Args:
        app: the service.
    """

    def __init__(self, app: Application) -> None:
        options: dict[str, Any] = {"http": FastPathProtocol, "lifespan": "off", "proxy_headers": False}
        config = uvicorn.Config(app, interface="asgi3", log_config=None, **options)
        state = ServerState()
        state.default_headers = [(b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")]
        self._app = app
        self._protocols = [FastPathProtocol(config, state, {}) for _ in range(TURN)]
        self._transports = [Transport() for _ in range(TURN)]
        for protocol, transport in zip(self._protocols, self._transports, strict=True):
            protocol.connection_made(transport)  # type: ignore[arg-type]

    async def seconds(self, data: bytes, turns: int, *, forget: bool = False) -> float:
        """Processor seconds of a request, over some turns.

        Args:
            data: the request.
            turns: of one request on each connection.
            forget: whether every head is parsed anew.
        """
        began = thread_time()
        for _ in range(turns):
            wanted = self._transports[0].responses + 1
            for protocol in self._protocols:
                if forget:
                    self._app.known_heads.clear()
                protocol.data_received(data)
            while any(transport.responses < wanted for transport in self._transports):  # noqa: ASYNC110
                await asyncio.sleep(0)
        return (thread_time() - began) / turns / TURN
