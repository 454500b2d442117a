"""A small HTTP/1.1 client for asyncio: it takes a tenth of the processor time that a general one takes.

One request at a time on a connection, bodies with a Content-Length, nothing else; the caller checks the responses.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from benchmarks.serving.bodies import Body

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)


class BrokenAnswerError(ValueError):
    """Bytes that are no HTTP answer with a Content-Length."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Attributes:
        head: status line and headers, each ended by CRLF.
    """

    status: int
    head: bytes
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether the server ends the connection after it."""
        return _CLOSES.search(self.head) is not None

    def header(self, name: str) -> str | None:
        """The value of a header."""
        found = re.search(rb"\r\n" + re.escape(name.encode()) + rb": *([^\r]*)\r\n", self.head, re.IGNORECASE)
        return found[1].decode("latin-1") if found else None


def request(method: str, path: str, content_type: str = "", content: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request; further headers have ``_`` for ``-``."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if method == "POST":
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def post(body: Body) -> bytes:
    """The bytes of a request that posts a body."""
    return request("POST", body.path, body.content_type, body.content)


def parse(received: bytes) -> Answer | None:
    """The answer that the bytes hold; None while it is not whole.

    Raises:
        BrokenAnswerError: they can never become one.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[: end + 2]
    length = _LENGTH.search(head)
    if length is None or not head.startswith(b"HTTP/1.1 "):
        raise BrokenAnswerError(f"Not a response with a Content-Length: {head[:200]!r}")
    begin, whole = end + 4, end + 4 + int(length[1])
    if len(received) < whole:
        return None
    if len(received) > whole:
        raise BrokenAnswerError(f"Unexpected bytes follow a response: {received[whole : whole + 200]!r}")
    return Answer(int(head[9:12]), head, received[begin:])


class Connection(asyncio.Protocol):
    """One connection, for one request at a time.

    Args:
        lost: is called with the connection when the other side has ended it while no request waits on it.
    """

    def __init__(self, lost: Callable[["Connection"], None] | None = None) -> None:
        self.transport: asyncio.Transport | None = None
        self.sent_at = 0.0
        self.serial = 0
        self._received = b""
        self._done: Callable[[Connection, Answer | None], None] | None = None
        self._lost = lost
        self._ended = False

    @property
    def busy(self) -> bool:
        """Whether a request waits for its answer."""
        return self._done is not None

    @property
    def open(self) -> bool:
        """Whether a request can be sent, as far as is known here."""
        return self.transport is not None and not self.transport.is_closing()

    def send(self, content: bytes, done: Callable[["Connection", Answer | None], None]) -> None:
        """Send a request; ``done`` gets this connection and the answer, or None if it never comes whole."""
        assert self.transport is not None
        self._done, self._received = done, b""
        self.serial += 1
        self.transport.write(content)

    def end(self) -> None:
        """End the connection now."""
        self._ended = True
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        try:
            answer = parse(self._received)
        except BrokenAnswerError:
            self.end()  # the waiting caller gets None
            return
        if answer is not None:
            if answer.closes:
                self.end()
            self._finish(answer)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - how it ended does not matter
        self.transport = None
        if self._done is not None:
            self._finish(None)
        elif self._lost is not None and not self._ended:
            self._lost(self)

    def _finish(self, answer: Answer | None) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(self, answer)


async def connect(port: int, lost: Callable[[Connection], None] | None = None) -> Connection:
    """A new connection to a server of this machine.

    Raises:
        OSError: it is refused.
    """
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(lost), "127.0.0.1", port)
    return connection


async def exchange(connection: Connection, content: bytes, seconds: float) -> Answer | None:
    """Send a request and wait for the answer; None if it does not come whole within the time."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[Answer | None] = loop.create_future()

    def done(_: Connection, answer: Answer | None) -> None:
        if not waiter.done():
            waiter.set_result(answer)

    timer = loop.call_later(seconds, connection.end)
    connection.send(content, done)
    try:
        return await waiter
    finally:
        timer.cancel()
