import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.observability.logs import MAX_PATH, JsonFormatter, TextFormatter, configure_logging, log_access

ROOT = Path(__file__).parents[3]
SPAN = "b7ad6b7169203331"
TIME = datetime(2026, 2, 28, 23, 59, 59, 7_000, UTC)
UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access")
UVICORN_ALONE = """
import uvicorn
from app.observability.logs import configure_logging

async def nothing(scope, receive, send): ...

configure_logging("info", "json")
server = uvicorn.Server(uvicorn.Config(nothing, port=0, log_config=None, access_log=False, lifespan="off"))
server.should_exit = True
server.run()
"""


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A stream to log to; logging is restored afterwards."""
    stream = io.StringIO()
    root, loggers = logging.getLogger(), [logging.getLogger(name) for name in UVICORN]
    before = [(logger, list(logger.handlers), logger.propagate, logger.level) for logger in loggers]
    level = root.level
    yield stream
    root.setLevel(level)
    for handler in [handler for handler in root.handlers if getattr(handler, "stream", None) is stream]:
        root.removeHandler(handler)
    for logger, handlers, propagate, level in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Odd:
    """An object without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_a_line_of_json_has_time_level_logger_and_message(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: int(TIME.timestamp() * 1e9))
    monkeypatch.setattr("time.time", TIME.timestamp)
    configure_logging("info", "json", stream)
    logging.getLogger("app.somewhere").warning("%s is %d", "a", 1)
    assert stream.getvalue() == (
        '{"time": "2026-02-28T23:59:59.007Z", "level": "warning", "logger": "app.somewhere", "message": "a is 1"}\n'
    )


def test_a_line_of_text_has_time_level_logger_message_and_request(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: int(TIME.timestamp() * 1e9))
    monkeypatch.setattr("time.time", TIME.timestamp)
    configure_logging("info", "text", stream)
    logger = logging.getLogger("app.somewhere")
    logger.error("failed", extra={"request_id": "4f0c"})
    logger.info("fine")
    assert stream.getvalue() == (
        "2026-02-28T23:59:59.007Z ERROR app.somewhere: failed [request 4f0c]\n"
        "2026-02-28T23:59:59.007Z INFO app.somewhere: fine\n"
    )


def test_lines_below_the_level_are_left_out(stream: io.StringIO) -> None:
    configure_logging("warning", "json", stream)
    logging.getLogger("app").info("too little")
    logging.getLogger("app").warning("enough")
    assert [line["message"] for line in logged(stream)] == ["enough"]


def test_extra_fields_follow_in_the_line_and_none_is_left_out(stream: io.StringIO) -> None:
    configure_logging("info", "json", stream)
    logging.getLogger("app").info("x", extra={"request_id": "4f0c", "span_id": SPAN, "rows": 3, "key": None})
    logging.getLogger("app").info("y")
    first, second = logged(stream)
    assert list(first)[4:] == ["request_id", "span_id", "rows"]
    assert [first[name] for name in list(first)[4:]] == ["4f0c", SPAN, 3]
    assert list(second) == ["time", "level", "logger", "message"]


def test_an_exception_is_text_in_its_own_field(stream: io.StringIO) -> None:
    configure_logging("info", "json", stream)
    try:
        raise ValueError("of the test")
    except ValueError:
        logging.getLogger("app").exception("failed")
    [line] = logged(stream)
    assert line["message"] == "failed"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("\nValueError: of the test")


def test_an_exception_follows_a_line_of_text(stream: io.StringIO) -> None:
    configure_logging("info", "text", stream)
    try:
        raise ValueError("of the test")
    except ValueError:
        logging.getLogger("app").exception("failed")
    lines = stream.getvalue().splitlines()
    assert lines[0].endswith(" ERROR app: failed")
    assert (lines[1], lines[-1]) == ("Traceback (most recent call last):", "ValueError: of the test")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, True),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        pytest.param(10**5000, "<int>", id="huge"),
        (2**63, "9223372036854775808"),
        (["a"], "['a']"),
        ({"a": {1}}, "{'a': {1}}"),
        (b"\xff", "b'\\xff'"),
        ("\ud800", "\ud800"),
        (Odd(), "<Odd>"),
    ],
)
@pytest.mark.parametrize("name", ["extra", "time", "level"])
def test_odd_values_are_logged_as_text_and_never_replace_the_standard_fields(
    stream: io.StringIO, name: str, value: object, written: object
) -> None:
    configure_logging("info", "json", stream)
    logging.getLogger("app").info("x", extra={name: value})
    [line] = logged(stream)
    if name == "extra":
        assert line[name] == written
        assert type(line[name]) is type(written)
    else:
        assert list(line) == ["time", "level", "logger", "message"]
        assert line["level"] == "info"


@pytest.mark.parametrize(
    ("message", "arguments", "written"),
    [
        ("%d rows", ("many",), "%d rows ('many',)"),
        ("%s and %s", ("one",), "%s and %s ('one',)"),
        ("of %s", (Odd(),), "of %s <tuple>"),
        (Odd(), (), "<Odd> ()"),
        ({"a": 1}, (), "{'a': 1}"),
    ],
)
def test_a_message_that_cannot_be_formatted_is_logged_in_parts(
    message: Any, arguments: tuple[object, ...], written: str
) -> None:
    record = logging.LogRecord("app", logging.INFO, __file__, 1, message, arguments, None)
    assert json.loads(JsonFormatter().format(record))["message"] == written
    assert TextFormatter().format(record).endswith(f" INFO app: {written}")


def test_an_exception_that_has_no_text_is_named() -> None:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    try:
        raise UnprintableError
    except UnprintableError:
        record = logging.LogRecord("app", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    assert "UnprintableError" in json.loads(JsonFormatter().format(record))["exception"]


@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\x1b[2K", "\x7f", "\x85", "\x00"])
def test_control_characters_from_a_client_cannot_forge_a_line(stream: io.StringIO, end: str) -> None:
    configure_logging("info", "text", stream)
    logging.getLogger("app").info("no model '%s'", f"x{end}2026-02-28 INFO app: forged")
    assert end not in stream.getvalue()[:-1]
    assert len(stream.getvalue().splitlines()) == 1


def test_configuring_again_logs_every_line_once_and_keeps_other_handlers(stream: io.StringIO) -> None:
    root = logging.getLogger()
    others = list(root.handlers)
    configure_logging("info", "text", stream)
    configure_logging("info", "json", stream)
    logging.getLogger("app").info("once")
    assert [line["message"] for line in logged(stream)] == ["once"]
    assert set(others) <= set(root.handlers)


def test_uvicorn_logs_in_the_same_format_even_after_its_own_configuration(stream: io.StringIO) -> None:
    for name in UVICORN:
        logger = logging.getLogger(name)
        logger.addHandler(logging.StreamHandler(stream))
        logger.propagate = False
    configure_logging("info", "json", stream)
    logging.getLogger("uvicorn.error").info("up on %d", 8000, extra={"color_message": "\x1b[1mup\x1b[0m"})
    [line] = logged(stream)
    assert (line["logger"], line["message"]) == ("uvicorn.error", "up on 8000")
    assert list(line) == ["time", "level", "logger", "message"]


def test_an_access_line_has_the_request_the_key_and_the_latency(stream: io.StringIO) -> None:
    configure_logging("info", "json", stream)
    log_access(
        logging.getLogger("app.access"),
        "POST",
        "/predict/arithmetic",
        200,
        0.0012345678,
        request_id="4f0c",
        key="alice",
        rows=3,
        trace_id=None,
    )
    [line] = logged(stream)
    del line["time"]
    assert line == {
        "level": "info",
        "logger": "app.access",
        "message": "POST /predict/arithmetic 200 in 1.235 ms",
        "method": "POST",
        "path": "/predict/arithmetic",
        "status": 200,
        "seconds": 0.001235,
        "request_id": "4f0c",
        "key": "alice",
        "rows": 3,
    }


def test_uvicorn_logs_no_requests_of_its_own_whichever_is_configured_last(stream: io.StringIO) -> None:
    uvicorn.Config("app.main:create_app", log_config=None, access_log=False)
    configure_logging("info", "json", stream)  # as in a worker process
    assert not logging.getLogger("uvicorn.access").hasHandlers()  # by which its protocol decides
    logging.getLogger("uvicorn.access").info("GET /models 200")
    assert logged(stream) == []


def test_an_access_line_truncates_a_long_path(stream: io.StringIO) -> None:
    configure_logging("info", "json", stream)
    log_access(logging.getLogger("app.access"), "GET", "/" + "x" * 5000, 404, 0.0)
    assert logged(stream)[0]["path"] == "/" + "x" * (MAX_PATH - 1)


def test_a_server_that_starts_and_ends_writes_nothing_but_json_to_standard_error() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", UVICORN_ALONE], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert {line["logger"] for line in lines} == {"uvicorn.error"}
    assert re.fullmatch(r"Started server process \[\d+\]", lines[0]["message"])
    assert ended.stdout == ""
