"""Content-Encoding and Accept-Encoding: gzip and deflate, which is zlib's format, as HTTP defines it."""

import zlib

from app.errors import InvalidInputError, TooLargeError, UnsupportedEncodingError

WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""``wbits`` of zlib for each encoding."""
TAKEN = "gzip, deflate or identity"
LEVEL = 1
"""The fastest: higher levels hardly compress numbers better."""
MIN_COMPRESSED_BYTES = 1024
"""Smaller responses fit one packet uncompressed."""


def check_encoding(encoding: str) -> None:
    """Check a request's Content-Encoding, before its body is received.

    Raises:
        UnsupportedEncodingError: it is unknown, or there are several.
    """
    names = _names(encoding)
    if len(names) > 1 or not WBITS.keys() >= set(names):
        raise UnsupportedEncodingError(f"Content-Encoding is '{encoding[:40]}'; send {TAKEN}.")


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Decode a request's Content-Encoding; stop as soon as the output exceeds the limit.

    Raises:
        UnsupportedEncodingError: the encoding is unknown, or there are several.
        InvalidInputError: the body is invalid, truncated or has trailing bytes.
        TooLargeError: the decompressed body has more than ``max_bytes``.
    """
    check_encoding(encoding)
    names = _names(encoding)
    if not names:
        return body
    [name] = names
    stream = zlib.decompressobj(WBITS[name])
    try:
        content = stream.decompress(body, max_bytes + 1)
    except zlib.error:
        raise InvalidInputError(f"The body is not valid {name}, its Content-Encoding; compress it again.") from None
    if len(content) > max_bytes:
        raise TooLargeError(
            f"The request body is larger than {max_bytes} bytes once decompressed; send fewer rows or files at a time."
        )
    if not stream.eof or stream.unused_data:
        fault = "has bytes after its end" if stream.eof else "is truncated"
        raise InvalidInputError(f"The {name} body {fault}; send one complete stream.")
    return content


def compress(body: bytes, encoding: str) -> bytes:
    """Apply a response's Content-Encoding."""
    return zlib.compress(body, LEVEL, WBITS[encoding])


def _names(encoding: str) -> list[str]:
    names = (name.strip().lower() for name in encoding.split(","))
    return [name for name in names if name not in ("", "identity")]


def preferred(accept_encoding: str) -> str | None:
    """The response encoding that a client prefers: ``"gzip"``, ``"deflate"``, or None for no compression."""
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
