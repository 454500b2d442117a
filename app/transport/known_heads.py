"""Heads of requests that were parsed before: clients send the same ones again, but for the length of the body.

What is remembered is what uvicorn's parser made of exactly these bytes, so they need not be parsed again.
"""

from app.codecs.tables.media_types import TABLES
from app.http.request_head import RequestHead

MAX_BODY_BYTES = 2**20
"""Longest body on the fast path, which waits for all of it: of more, HTTP is a small part of the cost."""
MAX_HEADS = 512
"""Heads that are remembered; before one more, all are forgotten."""
MAX_BYTES = 1024
"""Longest head that is remembered."""
EMPTY_LINE = b"\r\n\r\n"


class FastPathHead(RequestHead):
    """The head of a POST request to a route of the fast path.

    Args:
        headers: as ASGI gives them.
        route: its route.
        max_body_bytes: limit of the body.
    """

    def __init__(self, headers: list[tuple[bytes, bytes]], route: str, max_body_bytes: int) -> None:
        super().__init__(headers)
        self.route = route
        whole = not self.content_encoding and not self.content_type.lower().startswith(TABLES)
        self.fits = whole and 0 < self.declared_bytes <= min(MAX_BODY_BYTES, max_body_bytes)
        """Whether the body has a length, one that the fast path takes, and is neither compressed nor a table."""


class KnownHeads(dict[bytes, FastPathHead]):
    """Heads by their bytes, with the empty line at their end."""

    def learn(self, data: bytes, end: int, head: FastPathHead) -> None:
        """Remember a head, where it is sure which bytes are its own.

        Without a bare line feed among them, the first empty line ends it for any parser. A head in which the client
        names the request will not come again.

        Args:
            data: what the idle parser was given.
            end: behind the first empty line in the data.
            head: of the last request in the data, as it was parsed.
        """
        known = data[:end]
        if (
            len(data) == end + head.declared_bytes
            and end <= MAX_BYTES
            and not head.request_id
            and known.startswith(b"POST ")
            and known.count(b"\n") == known.count(b"\r\n")
        ):
            if len(self) >= MAX_HEADS:
                self.clear()
            self[known] = head
