"""Media types of tables, in a request and in its answer."""

from urllib.parse import parse_qs

from app.codecs.multipart import media_type
from app.errors import InvalidInputError

CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
TABLES = (CSV, ARROW)
"""Those that a body may have."""


def table_type(content_type: str) -> str | None:
    """The media type of a body that is a table; None where it is none."""
    kind = media_type(content_type)
    return kind if kind in TABLES else None


def no_model_error(kind: str, path: str) -> InvalidInputError:
    """The error of a table of some media type whose query names no model."""
    return InvalidInputError(f"The body is {kind}, whose model the query names: POST it to {path}?model=NAME.")


def reject_query(query: bytes) -> None:
    """Reject the query of a table where the body is JSON, which names its model itself.

    Raises:
        InvalidInputError: the query names a model or a version.
    """
    if query and {"model", "version"} & parse_qs(query.decode("latin-1"), keep_blank_values=True).keys():
        raise InvalidInputError(
            f"The query names the model of a table, but the body is JSON, which names its own; leave the query out, or "
            f"send a table with the Content-Type {CSV} or {ARROW}."
        )


def answer_type(accept: str, own: str) -> str:
    """The media type of an answer: the one of JSON and tables that a client prefers, or else that of its body.

    Args:
        accept: the request's header.
        own: media type of its body.
    """
    best, quality = own, 0.0
    for part in accept.split(","):
        kind, _, parameters = part.partition(";")
        kind = kind.strip().lower()
        weight = _quality(parameters)
        if weight > quality and kind in (*TABLES, JSON, "*/*"):
            best, quality = own if kind == "*/*" else kind, weight
    return best


def _quality(parameters: str) -> float:
    _, _, text = parameters.replace(" ", "").partition("q=")
    try:
        return float(text or 1)
    except ValueError:
        return 0.0
