"""A response's head and the first part of its body leave in one write, so that the head is never sent alone.

uvicorn writes the head when the application sends it, and the body after it. A balancer that has the head alone can no
longer send the request to another process.
"""

import asyncio
from typing import Any, cast

CONTINUE = b"HTTP/1.1 100 "


def join_writes(transport: asyncio.Transport, method: str) -> asyncio.Transport:
    """A stand-in for a connection's transport, for the response to one request of a method."""
    if method == "HEAD":  # the head is all of it
        return transport
    return cast(asyncio.Transport, _JoinedWrites(transport))


class _JoinedWrites:
    """Writes the head with the first part of the body, and has all else of the transport."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None
        self._begun = False

    def write(self, data: bytes) -> None:
        """Keep the head; write the rest, even where it is empty."""
        if not self._begun and not data.startswith(CONTINUE):
            self._begun, self._head = True, data
        elif self._head is not None:
            # one buffer: asyncio's own writelines, from Python 3.12 on, never gets rid of an empty part
            self._transport.write(self._head + data)
            self._head = None
        else:
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
