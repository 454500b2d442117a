"""Cross-origin resource sharing: which web pages of other origins may use the service (https://fetch.spec.whatwg.org).

A browser asks by a preflight, OPTIONS with ``Access-Control-Request-Method``, before it sends a key or JSON; and it
shows a script a response only where its headers allow that, an error's as well. No cookies are used, so that ``*`` may
be allowed with API keys too.
"""

from collections.abc import Collection

from app.http.routing import METHODS

Headers = list[tuple[bytes, bytes]]

EXPOSED = b"X-Request-ID, Retry-After, Inference-Header-Content-Length, WWW-Authenticate"
"""Headers of responses that scripts may read besides the usual ones."""
REQUEST_HEADERS = (
    b"Authorization, X-API-Key, Content-Type, Content-Encoding, X-Request-ID, traceparent, tracestate, "
    b"Inference-Header-Content-Length"
)
"""Headers that scripts may send besides the usual ones."""
PREFLIGHT_SECONDS = 3600
"""How long a browser may remember a preflight; Chrome remembers none for longer than two hours."""


class CORS:
    """The headers for browsers.

    Args:
        origins: those allowed; ``*`` alone allows all.
    """

    def __init__(self, origins: Collection[str]) -> None:
        self._any = "*" in origins
        self._origins = {origin.encode("ascii") for origin in origins}

    def response_headers(self, origin: bytes | None) -> Headers:
        """The headers of every response to a request with that ``Origin``."""
        if self._any:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED)]
        vary = (b"vary", b"Origin")  # for caches, on responses to other origins too
        if origin not in self._origins:
            return [vary]
        return [vary, (b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED)]

    def preflight_headers(self, origin: bytes | None) -> Headers:
        """More headers of the response to a preflight."""
        if not self._any and origin not in self._origins:
            return []
        return [
            (b"access-control-allow-methods", ", ".join(METHODS).encode()),
            (b"access-control-allow-headers", REQUEST_HEADERS),
            (b"access-control-max-age", b"%d" % PREFLIGHT_SECONDS),
        ]
