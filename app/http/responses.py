"""Responses whose body is encoded already."""

from starlette.responses import Response


class RawJSONResponse(Response):
    """A response of status 200 with JSON that is encoded already.

    Args:
        body: the JSON.
    """

    def __init__(self, body: bytes) -> None:
        # the result of Response.__init__, without its search through headers
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
