"""A connection without a socket: packets arrive exactly as a test cuts them."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any, Self

import uvicorn
from uvicorn.server import ServerState

from app.main import Application
from app.transport.fast_path import FastPathProtocol
from tests.app.raw_http import PROTOCOLS, Answer

_VARYING = re.compile(rb"[0-9a-f]{16}")
"""Ids of requests."""


class Transport:
    """Keeps what is written, and is never slow."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        if not self.closed:
            self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("10.0.0.1", 4711) if name in ("peername", "sockname") else default

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Wire:
    """A client of an application, on one of ``PROTOCOLS``."""

    def __init__(self, app: Application, protocol_name: str = "fast_path") -> None:
        config = uvicorn.Config(
            app, http=PROTOCOLS[protocol_name], interface="asgi3", log_config=None, lifespan="off", proxy_headers=False
        )
        self.app = app
        self.transport = Transport()
        self.protocol: FastPathProtocol = PROTOCOLS[protocol_name](config, ServerState(), {})  # type: ignore[assignment]
        self.protocol.connection_made(self.transport)  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.protocol.connection_lost(None)

    async def send(self, *packets: bytes) -> list[Answer]:
        """The answers to packets, each of which is read for itself, with the ids of requests left out."""
        self.transport.written = b""
        for packet in packets:
            self.protocol.data_received(packet)
            await self._quiet()
        return list(_answers(self.transport.written))

    async def received(self) -> list[Answer]:
        """The answers so far, once nothing happens any more."""
        await self._quiet()
        return list(_answers(self.transport.written))

    async def _quiet(self) -> None:
        """Wait until nothing happens any more, for some turns of the event loop."""
        in_flight, turns = self.app.state.service.requests_in_flight, 0
        while turns < 5:
            busy = any(context.complete for context in in_flight)  # others wait for their bodies
            turns = 0 if busy else turns + 1
            await asyncio.sleep(0.001 if busy else 0)


def _answers(written: bytes) -> Iterator[Answer]:
    while written:
        head, _, rest = written.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines[1:])]
        length = int(dict(headers).get("content-length", "0"))
        kept = [(name, _VARYING.sub(b"", value.encode()).decode()) for name, value in headers if name != "date"]
        yield Answer(int(lines[0].split()[1]), kept, _VARYING.sub(b"", rest[:length]))
        written = rest[length:]
