"""The head of most responses, status 200 with JSON, made once a second."""

STATUS_LINE = b"HTTP/1.1 200 OK\r\n"
HEADERS = b"content-type: application/json\r\ncontent-length: %d\r\nx-request-id: %b\r\n\r\n%b"


class PreparedResponse:
    """A response but for its length, its request's id and its body."""

    def __init__(self) -> None:
        self._server_headers: list[tuple[bytes, bytes]] = []
        self._format = STATUS_LINE + HEADERS

    def format(self, server_headers: list[tuple[bytes, bytes]]) -> bytes:
        """The response, to be filled with ``%``.

        Args:
            server_headers: of every response, the date among them; the server makes a new list every second.
        """
        if server_headers is not self._server_headers:
            lines = b"".join([b"%b: %b\r\n" % header for header in server_headers])
            self._server_headers = server_headers
            self._format = STATUS_LINE + lines.replace(b"%", b"%%") + HEADERS
        return self._format
