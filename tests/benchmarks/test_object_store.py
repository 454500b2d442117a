"""The benchmark of object stores: its proxy fails as it says, and it takes right answers for right and nothing else."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.object_store import proxy as proxies
from benchmarks.object_store import report
from benchmarks.object_store.proxy import Mode, Proxy
from benchmarks.object_store.requests import is_right
from tests.fixed_server import fixed_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
ANSWER = HEAD + b"0123456789"
LISTING = b"GET /bucket?list-type=2 HTTP/1.1\r\n\r\n"
OBJECT = b"GET /bucket/object HTTP/1.1\r\n\r\n"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Before a server that gives one answer on each connection."""
    with fixed_server(ANSWER) as port:
        proxy = Proxy(port)
        yield proxy
        proxy.close()


def received(proxy: Proxy, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(2**16), b""))


@pytest.mark.parametrize(
    ("mode", "request_", "expected"),
    [
        ("pass", OBJECT, ANSWER),
        ("truncate", OBJECT, ANSWER[:20]),
        ("corrupt", OBJECT, ANSWER[:-1] + b"8"),
        ("corrupt", LISTING, ANSWER),
        ("delay", OBJECT, ANSWER),
        ("trickle", OBJECT, ANSWER),
    ],
)
def test_the_proxy_changes_answers_as_its_mode_says(
    proxy: Proxy, mode: Mode, request_: bytes, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(proxies, "CUT_BYTES", 20)
    monkeypatch.setattr(proxies, "time", SimpleNamespace(sleep=slept.append))
    proxy.mode = mode
    assert received(proxy, request_) == expected
    pauses = {"delay": [proxies.DELAY_SECONDS], "trickle": [proxies.TRICKLE_SECONDS] * len(ANSWER)}
    assert slept == pauses.get(mode, [])


RIGHT: dict[str, Any] = {"model": "add", "version": 1, "predictions": [[7.0], [None]], "warnings": ["..."]}


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (RIGHT, True),
        (RIGHT | {"version": 2}, True),
        (RIGHT | {"predictions": [[7.0000001], [None]]}, False),
        (RIGHT | {"predictions": [[7.0]]}, False),
        (RIGHT | {"model": "multiply"}, False),
        ({name: value for name, value in RIGHT.items() if name != "warnings"}, False),
        ("ConnectionResetError", False),
    ],
)
def test_an_answer_is_right_if_it_is_the_same_in_all_but_the_version(answer: Any, right: bool) -> None:
    assert is_right(answer, RIGHT, 0.0) is right


def test_probabilities_may_differ_by_the_tolerance_and_no_more() -> None:
    assert is_right({"probabilities": [0.5]}, {"probabilities": [0.50009]}, 1e-4)
    assert not is_right({"probabilities": [0.5]}, {"probabilities": [0.5002]}, 1e-4)


def test_the_page_of_results_counts_errors_and_wrong_answers_of_all_rounds() -> None:
    entry = {"name": "killed", "requests": 1000, "errors": 1, "wrong": 2, "p99": 12.3, "noticed": 1.0, "recovered": 2.0}
    starts = {"folder_start": 1.0, "bucket_start": 2.0, "cache_start": 3.0}
    times = {
        "poll": 2.0,
        "workers": 2,
        "first": [0.5, 1.0, 1.5],
        "pushed": [1.0, 2.0, 3.0],
        "removed": 4.0,
        "load": 1.0,
    }
    page = report.page({"rounds": [entry, entry], "models": 14, "bad": [], **starts, **times})
    assert "| killed | 1.0 | 2.0 | 1,000 | 1 | 2 | 12 |" in page
    assert "2,000 requests, 2 errors, 4 wrong answers:" in page
    assert "1.0 s (at most 1.5)" in page
