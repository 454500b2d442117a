"""How deep a JSON body is nested, found before anything parses it."""

import numpy as np

from app.errors import InvalidInputError

_BRACKETS = b"[]{}"
_OTHER = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1


def check_depth(body: bytes, limit: int) -> None:
    """Refuse a body whose arrays and objects are nested deeper than the limit.

    Brackets within strings count too: a name that holds dozens of them is refused with the rest.

    Args:
        body: JSON, or anything that claims to be.
        limit: levels allowed; ``[[1]]`` has two.

    Raises:
        InvalidInputError: it is nested deeper.
    """
    if body.count(b"[") + body.count(b"{") <= limit:  # as good as always, and a thousand times faster
        return
    brackets = np.frombuffer(body.translate(None, _OTHER), np.uint8)
    if int(np.cumsum(_STEP[brackets], dtype=np.int64).max()) > limit:
        raise InvalidInputError(f"The body is nested deeper than {limit} levels, which is the limit; send plain rows.")
