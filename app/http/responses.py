"""Answers that are JSON already."""

from starlette.responses import Response


class RawJSONResponse(Response):
    """A response of status 200 around JSON that is serialised already.

    Args:
        body: the JSON.
    """

    def __init__(self, body: bytes) -> None:
        # what Response.__init__ comes to, without its looking through headers that are not there
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
