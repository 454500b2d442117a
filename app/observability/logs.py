"""The log, as text or as one JSON object a line, and the trace context that ties its lines to other services' lines."""

import json
import logging
import math
import random
import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TextIO

CONTEXT: ContextVar[Mapping[str, str] | None] = ContextVar("log_context", default=None)
"""What every line says that is logged within it, such as ``{"request_id": ...}``; a line's own ``extra`` wins."""

MAX_PATH = 200
"""Characters of a path that the access log repeats."""

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "color_message"}
"""What every log record has, and uvicorn's second copy of its message; everything else came by ``extra``."""
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {9: "\t", 10: "\\n", 13: "\\r"}
"""A path or name that a client made up may hold a line end; written as such it would forge a line of the log."""


class TraceParent(NamedTuple):
    """The caller's span: where a request stands in a trace that began elsewhere."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    flags: int
    """Bit 0: the caller records this trace."""


def parse_traceparent(value: str) -> TraceParent | None:
    """Read a ``traceparent`` header strictly as W3C Trace Context has it; None if it is not one and is to be ignored.

    Of versions after 00, whatever follows the flags is skipped, as the recommendation asks.
    """
    match = _TRACEPARENT.fullmatch(value)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or not (trace_id.strip("0") and span_id.strip("0")):
        return None
    return TraceParent(trace_id, span_id, int(flags, 16))


def new_span_id() -> str:
    """A fresh span id: 16 hexadecimal digits, not all zero."""
    return f"{random.getrandbits(64) or 1:016x}"


class TextFormatter(logging.Formatter):
    """``time LEVEL logger: message``, with the request's id where there is one; an exception follows on its own lines.

    Control characters in the message are written as escapes.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        request = f" [request {_plain(fields['request_id'])}]" if "request_id" in fields else ""
        message = (_message(record) + request).translate(_CONTROLS)
        exception = _exception(self, record)
        line = f"{_time(record)} {record.levelname} {record.name}: {message}"
        return f"{line}\n{exception}" if exception else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, what ``extra`` and ``CONTEXT`` add, and the exception."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        line |= {name: _plain(value) for name, value in _fields(record).items() if name not in line}
        exception = _exception(self, record)
        if exception:
            line["exception"] = exception
        return json.dumps(line)


class _Handler(logging.StreamHandler[Any]):
    """Ours: configuring again replaces it, and leaves the handlers of others alone."""


def configure(level: str, format: Literal["text", "json"], stream: TextIO | None = None) -> None:  # noqa: A002
    """Log to one place in one form, and have uvicorn's loggers do the same.

    uvicorn must be run with ``log_config=None``, or it configures its own loggers after this.

    Args:
        level: the least level that is logged: ``debug``, ``info``, ``warning`` or ``error``.
        format: the form of a line.
        stream: where to; None takes standard error.
    """
    handler = _Handler(stream)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger()
    for before in [before for before in root.handlers if isinstance(before, _Handler)]:
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def access(logger: logging.Logger, method: str, path: str, status: int, seconds: float, **fields: object) -> None:
    """Log one request at level info.

    Args:
        logger: where to.
        method: of the request.
        path: of the request, without its query, which may hold what is nobody's business.
        status: of the answer.
        seconds: from the request to the end of the answer.
        fields: ``request_id``, ``key`` (the name of the client's key), ``rows``, ``trace_id``, ``span_id``; those
            that are None are left out.
    """
    path = path[:MAX_PATH]
    extra = {"method": method, "path": path, "status": status, "seconds": round(seconds, 6), **fields}
    logger.info("%s %s %d in %.3f ms", method, path, status, 1000 * seconds, extra=extra)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    own = {name: value for name, value in vars(record).items() if name not in _STANDARD and value is not None}
    return {**(CONTEXT.get() or {}), **own}


def _time(record: logging.LogRecord) -> str:
    """RFC 3339, in UTC, to the millisecond."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # arguments that do not fit; what was to be said is still worth a line
        return f"{_plain(record.msg)} {_plain(record.args)}"


def _exception(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[0] is not None:
        try:
            return formatter.formatException(record.exc_info)
        except Exception:  # an exception that cannot even be printed
            return record.exc_info[0].__name__
    return ""


def _plain(value: object) -> object:
    """The value if JSON has it, else its text."""
    if (isinstance(value, int) and abs(value) < 2**63) or (isinstance(value, float) and math.isfinite(value)):
        return value
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__}>"
