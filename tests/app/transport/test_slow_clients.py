"""Clients that send too slowly, do not read, or are too many: the service behind a socket."""

import gc
import json
import logging
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.http.context import RequestContext
from app.transport import connections, file_limit
from app.transport.fast_path import FastPathProtocol
from app.transport.file_limit import connections_within_file_limit
from benchmarks.endurance import slow_clients
from tests.app.factory import LIMIT_SECONDS, wait_until
from tests.app.raw_http import LiveService, RawConnection, listening, post, predict_body, without_body

BODY = predict_body([3, 4])
LIVE = without_body("GET", "/health/live")
DOWNLOADS = without_body("GET", "/docs/swagger-ui-bundle.js") * 4
"""Whose responses have six megabytes: the kernel takes up to four of what is not read."""
LATE = "The request's head was not received within 0.3 seconds, which is the limit; send it faster."
FULL = "The service has as many connections as it may have, and none is idle; try again later."


@pytest.fixture(autouse=True, scope="module")
def quick_sweeps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "SWEEP_SECONDS", 0.02)
        yield


@pytest.fixture(scope="module")
def hasty(root: Path) -> Iterator[LiveService]:
    with listening(root, head_timeout_seconds=0.3, keep_alive_seconds=0.3, request_timeout_seconds=0.3) as live:
        yield live


@pytest.mark.parametrize(
    "half",
    [
        b"G",
        b"GET /health/live HTTP/1.1\r\nHost: here\r\n",
        b"GET /health/live HTTP/1.0\r\n",
        b"POST /predict/arithmetic HTTP/1.1\r\nContent-Length: 36\r\nX",
    ],
)
def test_half_a_head_gets_408_and_the_connection_ends(hasty: LiveService, half: bytes) -> None:
    with RawConnection(hasty.port) as connection:
        answer = connection.send(half).answer()
        assert (answer.status, answer.header("connection")) == (408, "close")
        assert json.loads(answer.body)["detail"] == LATE
        names = [name for name, _ in answer.headers]
        assert len(names) == len(set(names))
        assert connection.ends()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("path", ["/predict/arithmetic", "/v2/models/sum/infer"])
def test_half_a_body_gets_408_and_the_connection_ends(hasty: LiveService, version: str, path: str) -> None:
    with RawConnection(hasty.port) as connection:
        answer = connection.send(post(BODY, version=version, path=path)[:-5]).answer()
        assert (answer.status, answer.header("connection")) == (408, "close")
        assert connection.ends()


@pytest.mark.parametrize("nothing", [b"", b"\r\n", b"\r\n\r\n"])
def test_a_connection_without_a_request_ends_without_a_response(hasty: LiveService, nothing: bytes) -> None:
    with RawConnection(hasty.port) as connection:
        assert connection.send(nothing).ends()


def test_bytes_that_trickle_in_do_not_put_off_the_end(hasty: LiveService) -> None:
    with RawConnection(hasty.port) as connection:
        sent = 0
        for byte in b"GET /health/live HTTP/1.1\r\nX-Padding: " + b"a" * 1000:
            sent += 1
            connection.send(bytes([byte]))
            if select.select([connection.socket], [], [], 0.01)[0]:
                break
        assert connection.answer().status == 408
    assert 5 < sent < 300


@pytest.mark.parametrize("first", [LIVE, post(BODY)])
def test_a_later_head_has_its_own_time_and_an_idle_connection_ends(hasty: LiveService, first: bytes) -> None:
    with RawConnection(hasty.port) as connection:
        for _ in range(3):
            assert connection.send(first).answer().status == 200
            time.sleep(0.1)
        connection.send(LIVE[:10])
        assert connection.answer().status == 408
    with RawConnection(hasty.port) as connection:
        assert connection.send(first).answer().status == 200
        assert connection.ends()


def test_a_body_that_goes_on_after_its_response_does_not_keep_the_connection(hasty: LiveService) -> None:
    begun = time.monotonic()
    with RawConnection(hasty.port) as connection, suppress(BrokenPipeError, ConnectionResetError):
        connection.send(post(b"", "Transfer-Encoding: chunked", length=False, path="/health/live"))
        assert connection.answer().status == 405
        for _ in range(500):
            connection.send(b"1\r\na\r\n")
            time.sleep(0.01)
    assert time.monotonic() - begun < 3


def test_a_response_that_is_not_read_is_dropped_with_its_connection_and_nothing_is_logged(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(root, send_timeout_seconds=0.3, request_timeout_seconds=0.2) as live:
        with RawConnection(live.port, receive_buffer=4096) as reader:
            reader.send(DOWNLOADS)
            wait_until(lambda: live.value("nalu_closed_connections_total", reason="not_reading") == 1)
            wait_until(lambda: not live.server.server_state.connections and not live.server.server_state.tasks)
        assert not live.service.requests_in_flight
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_client_that_ends_while_its_pipelined_responses_are_sent_causes_no_error(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(root) as live:
        with RawConnection(live.port, receive_buffer=4096) as reader:
            reader.send(DOWNLOADS)
            wait_until(lambda: any(one.flow.write_paused for one in live.server.server_state.connections))
        wait_until(lambda: not live.server.server_state.tasks)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_one_connection_too_many_takes_the_place_of_the_oldest_idle_one(root: Path) -> None:
    with listening(root, max_connections=2) as live:
        held = live.hold()
        with RawConnection(live.port) as busy, ExitStack() as stack:
            busy.send(post(predict_body([1, 1])))
            assert held.entered.wait(LIMIT_SECONDS)
            idle, silent, newest = (stack.enter_context(RawConnection(live.port)) for _ in range(3))
            assert idle.ends()
            assert silent.ends()
            assert newest.send(LIVE).answer().status == 200
            held.release.set()
            assert busy.answer().predictions() == [[2.0]]


def test_where_none_is_idle_a_new_connection_gets_503_and_a_probe_its_response(root: Path) -> None:
    with listening(root, max_connections=1) as live:
        held = live.hold()
        with RawConnection(live.port) as busy, ExitStack() as stack:
            busy.send(post(predict_body([1, 1])))
            assert held.entered.wait(LIMIT_SECONDS)
            new, probe = (stack.enter_context(RawConnection(live.port)) for _ in range(2))
            answer = new.send(post(BODY)).answer()
            assert (answer.status, answer.header("retry-after"), answer.header("connection")) == (503, "1", "close")
            assert json.loads(answer.body)["detail"] == FULL
            assert new.ends()
            assert [probe.send(LIVE).answer().status for _ in range(2)] == [200, 200]
            assert probe.send(without_body("GET", "/health/ready")).answer().status == 200
            held.release.set()
            assert busy.answer().predictions() == [[2.0]]
            assert live.value("nalu_rejections_total", reason="connections") == 1


def test_the_limit_by_address_holds_for_one_address(root: Path) -> None:
    with listening(root, max_connections_per_address=2) as live, ExitStack() as stack:
        first, *others = (stack.enter_context(RawConnection(live.port)) for _ in range(3))
        assert [other.send(LIVE).answer().status for other in others] == [200, 200]
        assert first.ends()


def test_a_unix_socket_is_served_whatever_the_limit_by_address(root: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(path)
        with listening(root, server={"fd": own.fileno()}, max_connections_per_address=1), ExitStack() as stack:
            for _ in range(3):
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.settimeout(LIMIT_SECONDS)
                client.connect(path)
                client.sendall(LIVE)
                assert client.recv(12) == b"HTTP/1.1 200"


def test_open_connections_are_a_metric(root: Path) -> None:
    with listening(root) as live:
        with RawConnection(live.port), RawConnection(live.port):
            wait_until(lambda: live.value("nalu_connections") == 2)
        wait_until(lambda: live.value("nalu_connections") == 0)


@pytest.mark.parametrize(
    "request_bytes",
    [b"", LIVE[:20], LIVE, post(BODY), post(BODY)[:-5], post(BODY, version="1.0"), b"\0", LIVE * 3],
    ids=["silent", "half-head", "get", "fast-path", "half-body", "1.0", "malformed", "pipelined"],
)
def test_an_ended_connection_is_freed_without_the_garbage_collector(root: Path, request_bytes: bytes) -> None:
    with listening(root) as live:
        gc.collect()
        gc.disable()
        try:
            before = _freed_by_ends()
            for _ in range(5):
                with RawConnection(live.port) as connection:
                    connection.send(request_bytes)
                    time.sleep(0.02)  # some end by themselves
            wait_until(lambda: not live.server.server_state.connections and not live.service.requests_in_flight)
            wait_until(lambda: _freed_by_ends() <= before)
        finally:
            gc.enable()


def _freed_by_ends() -> int:
    return sum(isinstance(each, FastPathProtocol | RequestContext | RequestResponseCycle) for each in gc.get_objects())


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "allowed", "raised"),
    [
        (100_000, 100_000, 4096, 4096, None),
        (1024, 100_000, 4096, 4096, 4352),
        (1024, resource.RLIM_INFINITY, 4096, 4096, 4352),
        (1024, 2048, 4096, 1792, 2048),
        (256, 256, 4096, 128, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 10**6, 10**6, None),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_it_may(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, wanted: int, allowed: int, raised: int | None
) -> None:
    changes: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: changes.append(limits))
    assert connections_within_file_limit(wanted) == allowed
    assert changes == ([] if raised in (None, soft) else [(raised, hard)])


def test_a_limit_of_open_files_that_lowers_the_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    with caplog.at_level(logging.WARNING, file_limit.__name__):
        connections_within_file_limit(5000)
    assert caplog.messages == [
        "NALU_MAX_CONNECTIONS is 5000, but this process may open only 1024 files, so it accepts 768 connections; "
        "raise the limit (ulimit -n) or lower the setting."
    ]


@pytest.mark.slow
def test_at_the_limit_of_open_files_the_service_goes_on_serving(root: Path) -> None:
    command = [sys.executable, "-m", "app", "--repository", str(root), "--port", "0"]
    environment = {**os.environ, "NALU_SHUTDOWN_GRACE_SECONDS": "0"}
    process = subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
    )
    try:
        assert process.stderr is not None
        port = next(int(line.split(":")[-1].split()[0]) for line in process.stderr if "running on" in line)
        wait_until(lambda: _is_ready(port), seconds=30)
        with ExitStack() as stack:
            for _ in range(600):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), LIMIT_SECONDS))
            for _ in range(3):
                with RawConnection(port) as connection:
                    assert connection.send(LIVE).answer().status == 200
                    assert connection.send(post(BODY)).answer().predictions() == [[7.0]]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def _is_ready(port: int) -> bool:
    with suppress(OSError):
        return bool(urlopen(f"http://127.0.0.1:{port}/health/ready").status == 200)
    return False


@pytest.mark.slow
def test_silent_slow_and_half_open_connections_do_not_disturb_normal_requests(root: Path) -> None:
    with listening(root, head_timeout_seconds=1, keep_alive_seconds=1, request_timeout_seconds=1) as live:
        command = [sys.executable, "-m", "benchmarks.endurance.slow_clients", str(live.port), "120"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as slow:
            assert slow.stdout is not None
            assert slow.stdout.readline() == "open\n"
            end = time.monotonic() + 2.5
            with RawConnection(live.port) as connection:
                while time.monotonic() < end:
                    assert connection.send(post(BODY)).answer().predictions() == [[7.0]]
                    time.sleep(0.02)
            outcomes = json.loads(slow.communicate("")[0])
        assert outcomes["refused"] == 0
        ended = {kind: outcome["closed"] for kind, outcome in outcomes["kinds"].items()}
        assert ended.keys() == slow_clients.KINDS.keys()
        assert all(count for kind, count in ended.items() if kind != "does not read"), ended
        wait_until(lambda: not live.server.server_state.connections)
