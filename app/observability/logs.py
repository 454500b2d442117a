"""The log, as text or as JSON lines."""

import json
import logging
import math
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

MAX_PATH = 200
"""Characters of a path that the access log shows."""

_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "color_message"}
"""Attributes of every log record, and uvicorn's coloured copy of its message; all others come from ``extra``."""
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {9: "\t", 10: "\\n", 13: "\\r"}
"""Escapes of control characters: a line end in a client's path or name would forge a line of the log."""


class TextFormatter(logging.Formatter):
    """``time LEVEL logger: message``, with the request id where there is one; an exception follows on its own lines.

    Control characters in the message are escaped.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        request = f" [request {_plain(fields['request_id'])}]" if "request_id" in fields else ""
        message = (_message(record) + request).translate(_CONTROLS)
        exception = _exception(self, record)
        line = f"{_time(record)} {record.levelname} {record.name}: {message}"
        return f"{line}\n{exception}" if exception else line


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, the fields of ``extra``, and the exception."""

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
    """The service's handler: configuring again replaces it and no other."""


def configure_logging(level: str, format: Literal["text", "json"], stream: TextIO | None = None) -> None:  # noqa: A002
    """Send the root logger's and uvicorn's records to one stream in one format.

    Run uvicorn with ``log_config=None``, or it reconfigures its loggers afterwards.

    Args:
        level: the lowest level to log: ``debug``, ``info``, ``warning`` or ``error``.
        format: of a line.
        stream: the output; None is standard error.
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
        logger.setLevel(level.upper())
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"  # the dispatcher's access line has the request id


def log_access(logger: logging.Logger, method: str, path: str, status: int, seconds: float, **fields: object) -> None:
    """Log one request at level info.

    Args:
        logger: to log with.
        method: of the request.
        path: of the request, without its query, which may hold confidential data.
        status: of the response.
        seconds: from the request to the end of the response.
        fields: ``request_id``, ``client`` (its address), ``scheme``, ``key`` (the name of the client's key), ``rows``,
            ``trace_id``, ``span_id``; None leaves a field out.
    """
    path = path[:MAX_PATH]
    extra = {"method": method, "path": path, "status": status, "seconds": round(seconds, 6), **fields}
    logger.info("%s %s %d in %.3f ms", method, path, status, 1000 * seconds, extra=extra)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD and value is not None}


def _time(record: logging.LogRecord) -> str:
    """RFC 3339, in UTC, to the millisecond."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # mismatched arguments: the parts are still worth a line
        return f"{_plain(record.msg)} {_plain(record.args)}"


def _exception(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[0] is not None else ""


def _plain(value: object) -> object:
    """The value if it is a JSON number or boolean, else its text."""
    if (isinstance(value, int) and abs(value) < 2**63) or (isinstance(value, float) and math.isfinite(value)):
        return value
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__}>"
