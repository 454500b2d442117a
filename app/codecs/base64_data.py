"""Files as base64 (RFC 4648), alone or as a ``data:`` URL (RFC 2397); line breaks are ignored, as MIME has them."""

from binascii import Error, a2b_base64

from app.errors import InvalidInputError

_SCHEME = "data:"
_BLANKS = b" \t\r\n"


def decode_base64(text: str, name: str, location: str) -> bytes:
    """The bytes of a file.

    Args:
        text: its base64, or a ``data:`` URL.
        name: the file's, in messages.
        location: of the text in the request.

    Raises:
        InvalidInputError: it is neither.
    """
    if text[: len(_SCHEME)].lower() == _SCHEME:  # RFC 3986: in either case
        head, _, text = text.partition(",")
        if not head.lower().endswith(";base64"):
            raise _invalid(f"{name} is a data: URL that is not in base64; begin it as data:image/png;base64,", location)
    try:
        return a2b_base64(text.encode("ascii", "replace").translate(None, _BLANKS), strict_mode=True)
    except Error as error:
        reason = str(error).lower()
        raise _invalid(
            f"{name} is not base64 ({reason}); encode the bytes of the file, as base64 does.", location
        ) from error


def _invalid(message: str, location: str) -> InvalidInputError:
    return InvalidInputError(message, [{"location": location, "message": message}])
