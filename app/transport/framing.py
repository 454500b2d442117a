"""Bounds what a client may send besides bodies: request lines, headers, chunk extensions and trailers."""

import re
from enum import Enum
from time import perf_counter

import httptools

from app.errors import HeadTooLargeError, MalformedRequestError, ReadDelayError, ServiceError, UnknownMethodError

CHUNK_FRAMING_BYTES = 12
"""A chunk's length in up to eight digits, and two line ends."""
METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE")
"""Methods that are known, though no path may take them: these get 405, and all others 501."""
MAX_LINE_BYTES = 1000
"""Bytes of a piece in which a request line is looked for."""
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}) [!-~]+ HTTP/1\.[01]\r?\n")


class Part(Enum):
    """The part of a request that a connection receives."""

    BEGIN = 0
    HEAD = 1
    BODY = 2


class BoundedFraming:
    """Feeds data to the parser in pieces that end at the limit at the latest, and counts those that are no body.

    Where a head or a request ends among them, what follows is of unknown length and not counted; a head that begins
    there is measured when it is complete. So at most twice the limit is held, and the usual request, which fits into
    one piece, costs next to nothing.
    """

    part = Part.BEGIN
    rejection: ServiceError | None = None
    """Why no more is parsed."""
    url = b""
    """uvicorn's: the target, as far as it has come."""
    headers: list[tuple[bytes, bytes]]
    """uvicorn's: the headers, or trailers, that are complete."""
    max_head_bytes: int
    max_header_fields: int
    counted_bytes = 0
    """Bytes of the current head, or besides the current body."""
    is_exact = True
    """Whether that is all of the current head."""
    max_queue_seconds: float
    """Longest time from when data were read until they are parsed."""
    crossed = False
    """Whether a head or a request has ended in the current piece."""

    read_at = 0.0
    """When the data being parsed were read, by ``perf_counter``."""
    parser: httptools.HttpRequestParser
    """uvicorn's."""

    def stop_parsing(self, piece: bytes | memoryview) -> None:
        """The parser has stopped at a piece: at an error, which callbacks raise too."""
        raise NotImplementedError

    def reject(self, error: ServiceError) -> None:
        """Parse no more, respond with an error and close the connection."""
        raise NotImplementedError

    def take(self, data: bytes, read_at: float) -> None:
        """Parse data within the limits."""
        self.read_at = read_at
        if self.counted_bytes + len(data) <= self.max_head_bytes:
            self._parse_piece(data)
            return
        rest = memoryview(data)
        while rest and self.rejection is None:
            room = self.max_head_bytes - self.counted_bytes
            self._parse_piece(rest[:room])
            rest = rest[room:]

    def _parse_piece(self, piece: bytes | memoryview) -> None:
        if self.rejection is not None:
            return
        self.crossed = False
        try:
            self._feed(piece)
        except httptools.HttpParserError:
            self.stop_parsing(piece)
        if self.crossed:
            self.counted_bytes = 0
            self.is_exact = self.part is not Part.HEAD
        else:
            self.counted_bytes = max(0, self.counted_bytes + len(piece))
            if self.rejection is None and self._has_too_much():
                self.reject(self._head_too_large())

    def _feed(self, piece: bytes | memoryview) -> None:
        """Feed the parser, which stops after a head that offers another protocol, and takes its body for none."""
        while piece:
            try:
                self.parser.feed_data(piece)
                return
            except httptools.HttpParserUpgrade as upgrade:
                piece = memoryview(piece)[upgrade.args[0] :]
                if self.part is Part.HEAD:
                    head = self._head_without_offer()
                    self.parser = httptools.HttpRequestParser(self)  # the old one takes no body after Connection: close
                    self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
                    self.parser.feed_data(head)

    def offers_upgrade(self) -> bool:
        """Whether the head that is complete is to be parsed again, without its offer of another protocol."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _head_without_offer(self) -> bytes:
        line = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        return line + b"".join([b"%b: %b\r\n" % each for each in self.headers if each[0] != b"upgrade"]) + b"\r\n"

    @property
    def is_late(self) -> bool:
        """Whether the data being parsed were read too long ago."""
        return perf_counter() - self.read_at > self.max_queue_seconds

    def delay_of_head(self) -> ServiceError | None:
        """The error of a head that is late."""
        return ReadDelayError(perf_counter() - self.read_at, self.max_queue_seconds) if self.is_late else None

    def excess_of_head(self) -> ServiceError | None:
        """What is too much of the head that is complete; only one with ``is_exact`` was counted whole."""
        if len(self.headers) > self.max_header_fields:
            return self._head_too_large()
        if not self.is_exact:
            fields = sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
            if len("GET  HTTP/1.1\r\n\r\n") + len(self.url) + fields > self.max_head_bytes:
                return self._head_too_large()
        return None

    def _has_too_much(self) -> bool:
        if self.counted_bytes >= self.max_head_bytes:
            return True
        return self.part is not Part.BEGIN and len(self.headers) > self.max_header_fields

    def _head_too_large(self) -> HeadTooLargeError:
        is_target = self.part is Part.HEAD and 2 * len(self.url) > self.max_head_bytes
        return HeadTooLargeError(self.max_head_bytes, self.max_header_fields, is_target=is_target)


def malformed(piece: bytes | memoryview) -> ServiceError:
    """The error of a piece that cannot be parsed, which may begin with an unknown method or the target of CONNECT."""
    line = _REQUEST_LINE.match(bytes(piece[:MAX_LINE_BYTES]))
    if line is None or line[1] in METHODS:
        return MalformedRequestError()
    return UnknownMethodError(f"The service knows no method {line[1].decode('ascii')}; GET /docs lists its methods.")
