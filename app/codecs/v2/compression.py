"""Content-Encoding and Accept-Encoding: gzip and deflate, which is zlib's format, as HTTP defines it."""

import zlib

from app.errors import InvalidInputError, TooLargeError

WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""What zlib calls the formats."""
LEVEL = 1
"""The fastest: numbers hardly get smaller by more work."""
MIN_COMPRESSED_BYTES = 1024
"""A smaller answer fits a packet as it is."""


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Undo a request's Content-Encoding, and stop as soon as more comes out than allowed.

    Raises:
        InvalidInputError: the encoding is not known, or the body is not of it, not whole or not alone.
        TooLargeError: it holds more than ``max_bytes``.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in WBITS:
        raise InvalidInputError(f"Content-Encoding is '{name[:40]}'; gzip, deflate and identity are taken.")
    stream = zlib.decompressobj(WBITS[name])
    try:
        content = stream.decompress(body, max_bytes + 1)
    except zlib.error:
        raise InvalidInputError(
            f"The body is not {name}, which its Content-Encoding says; compress it again."
        ) from None
    if len(content) > max_bytes:
        raise TooLargeError(f"The request body is larger than {max_bytes} bytes once decompressed; send fewer rows.")
    if not stream.eof or stream.unused_data:
        fault = "goes on after its end" if stream.eof else "ends before its end"
        raise InvalidInputError(f"The {name} body {fault}; compress it again, in one piece.")
    return content


def compress(body: bytes, encoding: str) -> bytes:
    """Apply an answer's Content-Encoding."""
    return zlib.compress(body, LEVEL, WBITS[encoding])


def preferred(accept_encoding: str) -> str | None:
    """The encoding of answers that a client prefers: ``"gzip"``, ``"deflate"``, or None for the answer as it is."""
    qualities = dict(_quality(choice) for choice in accept_encoding.lower().split(","))
    best = max(("gzip", "deflate", "identity"), key=lambda name: qualities.get(name, 0.0))
    return best if best != "identity" and qualities.get(best, 0.0) > 0 else None


def _quality(choice: str) -> tuple[str, float]:
    name, _, parameter = choice.partition(";")
    quality = parameter.strip().removeprefix("q=") or "1"
    try:
        return name.strip(), float(quality)
    except ValueError:
        return name.strip(), 0.0
