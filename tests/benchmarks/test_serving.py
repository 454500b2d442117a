"""The serving benchmark: what it sends, how it reads wrk, how it compares, and what it writes."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.serving import bodies, rounds
from benchmarks.serving.__main__ import SECTIONS, main
from benchmarks.serving.agreement import same
from benchmarks.serving.http_client import Answer, BrokenAnswerError, Connection, connect, exchange, request
from benchmarks.serving.http_client import parse as parse_answer
from benchmarks.serving.load import Load, LoadError, find_wrk, parse, write_script
from benchmarks.serving.report import render
from benchmarks.serving.scenarios import SCENARIOS, headline, median_ratio, ratios
from benchmarks.serving.servers import command, cores, serving
from tests.benchmarks.server import answering, listening

NO_ERRORS = {"connect": 0, "read": 0, "write": 0, "timeout": 0, "status": 0}


def printed(**changes: int) -> str:
    seen = {"requests": 3000, "microseconds": 2_000_000, "p50": 1500, "p99": 9000, **NO_ERRORS, **changes}
    return f"Running 2s test\n  1 threads and 1 connections\n\nRESULT {json.dumps(seen)}\n"


def seen(rate: float, p50: float = 2.0) -> dict[str, float]:
    return Load(rate, p50, 4 * p50, 0.1, cpu_us=1e6 / rate).as_dict()


def results(**sections: Any) -> dict[str, Any]:
    machine = {"processor": "Abacus", "cores": 2, "python": "3.11", "packages": {"numpy": "2.4"}}
    return {"command": "python -m benchmarks.serving", "date": "2026-01-02", "machine": machine} | {
        "rounds": 3,
        "seconds": 2,
        **sections,
    }


def test_the_script_posts_the_body_that_lies_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" folder'
    folder.mkdir()
    body = bodies.image_request([bodies.png()])
    script = write_script(folder, body).read_text(encoding="utf-8")
    assert (folder / "body").read_bytes() == body.content
    assert 'a \\"quoted\\" folder/body"' in script
    assert 'wrk.path = "/predict/image"' in script
    assert f'wrk.headers["Content-Type"] = "multipart/form-data; boundary={bodies.BOUNDARY}"' in script
    assert "{{" not in script


def test_rate_and_times_are_read_from_what_wrk_prints() -> None:
    assert parse(printed(), 0.5, 1.8) == Load(rate=1500.0, p50=1.5, p99=9.0, load_cores=0.25, cpu_us=600.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": 12}, "Of 3000 requests, wrk counted 12 answers that were not 2xx."),
        ({"read": 1, "timeout": 2}, "1 connections that broke before their answer, 2 answers that took more than"),
        ({"requests": 0}, "no answer"),
    ],
)
def test_a_run_with_failures_is_no_result(changes: dict[str, int], message: str) -> None:
    with pytest.raises(LoadError, match=message):
        parse(printed(**changes))


def test_a_run_that_prints_nothing_is_no_result() -> None:
    with pytest.raises(LoadError, match="wrk printed no result: unable to connect"):
        parse("unable to connect\n")


def test_without_wrk_one_is_told_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="apt install wrk"):
        find_wrk()


def test_one_core_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    with pytest.raises(SystemExit, match="two processor cores"):
        cores()


def test_partial_results_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for options in (["--quick"], ["--only", "row"], [], ["--peers", "mosec"]):
        monkeypatch.setattr("sys.argv", ["serving", "--write", *options])
        with pytest.raises(SystemExit, match="whole runs only; give --peers all, and leave out --quick and --only"):
            main()


def test_the_median_of_the_rounds_ratios_ignores_a_round_that_was_disturbed() -> None:
    ours, theirs = [10.0, 1.0, 30.0], [20.0, 10.0, 60.0]
    assert ratios(ours, theirs) == [0.5, 0.1, 0.5]
    assert median_ratio(ours, theirs) == 0.5


def test_a_headline_counts_rows_or_milliseconds() -> None:
    assert headline(SCENARIOS["rows"], seen(7.0)) == 700.0
    assert headline(SCENARIOS["one"], seen(7.0, p50=0.25)) == 0.25
    assert headline(SCENARIOS["png"], Load(7.0, 1.0, 1.0, 0.0, 1.0)) == 7.0


def test_images_are_of_the_sizes_that_they_claim_and_the_jpeg_weighs_as_a_photograph() -> None:
    with bodies.Image.open(bodies.io.BytesIO(bodies.jpeg())) as image:
        assert (image.format, image.size) == ("JPEG", (640, 480))
    assert 40_000 < len(bodies.jpeg()) < 60_000
    assert bodies.jpeg() == bodies.jpeg()
    with bodies.Image.open(bodies.io.BytesIO(bodies.png())) as image:
        assert (image.format, image.size) == ("PNG", (28, 28))


def test_answers_are_the_same_within_rounding_only() -> None:
    image = {"label": "3", "probabilities": {"3": 0.9, "5": 0.1}}
    near = {"label": "3", "probabilities": {"3": 0.899, "5": 0.101}}
    assert same([[12.0]], [[12.0 * (1 + 1e-15)]])
    assert not same([[12.0]], [[12.0 * (1 + 1e-9)]])
    assert not same([[12.0]], [[12.0], [1.0]])
    assert not same([[12.0]], [[12.0, 1.0]])
    assert not same([None], [[12.0]])
    assert same([image], [near])
    assert not same([image], [{**near, "label": "5"}])
    assert not same([image], [{"label": "3", "probabilities": {"3": 0.7, "5": 0.3}}])


def test_the_service_is_started_as_a_user_does_and_the_others_with_its_settings() -> None:
    assert command("service", 81, 2)[1:] == ["-m", "app", "--port", "81", "--workers", "2"]
    baseline = " ".join(command("baseline", 81)[1:])
    assert baseline.startswith(
        "-m uvicorn benchmarks.serving.fastapi_baseline:app --port 81 --loop uvloop --http httptools"
    )
    assert "benchmarks.serving.fastapi_baseline:async_app" in command("async baseline", 81)


def test_every_section_is_rendered_with_medians_and_ratios() -> None:
    runs = {
        "service": [seen(100.0), seen(300.0), seen(200.0)],
        "echo": [seen(1000.0)] * 3,
        "baseline": [seen(50.0)] * 3,
    }
    runs["async baseline"] = [seen(80.0)] * 3
    rates = {"one": 10.0, "two": 19.0, "one, with wrk": 9.5}
    workers = {"shared": True, "scenarios": {"rows": {key: [seen(rate)] * 3 for key, rate in rates.items()}}}
    starts = {"seconds": [0.5, 0.7, 0.6], "megabytes": [100.0, 102.0, 101.0]}
    text = render(results(scenarios={"row": runs, "one": runs}, workers=workers, startup=starts))
    assert "## 1 row, 64 connections\n\n|  | CPU us per request | Ours / its | requests/s | Ours / its |" in text
    assert "| **ours** | 5,000 |  | 200 |  | 2 |  | 8 |\n" in text
    baseline = "20,000 | 0.25 (0.17 to 0.50) | 50 | 4.00 (2.00 to 6.00) | 2 | 1.00 (1.00 to 1.00) | 8 |"
    assert f"| baseline | {baseline}\n" in text
    assert text.count("(0.10 to 0.30)") == 2  # requests/s beside the echo's, in both scenarios
    two = "| rows/s | 1,900 | 950 | 2.00 (2.00 to 2.00) | 1,000 | 1.90 (1.90 to 1.90) |"
    assert f"| 100 rows a request, 64 connections {two}" in text
    assert "| 100 rows a request, 64 connections | 52,632 | 5,263 | 105,263 | 10,526 | 100,000 | 10,000 |" in text
    assert "wrk has to share them" in text
    assert "Each worker has" not in text  # in results of before, all of them had together
    assert "0.60 s (slowest 0.70 s)" in text
    assert "101 MB (most 102 MB)" in text
    assert "2026-01-02: Abacus, 2 cores, Python 3.11, numpy 2.4; rounds: 3, of 2 s each." in text


def test_what_was_not_measured_is_left_out() -> None:
    text = render(results(scenarios={}))
    assert "|" not in text
    assert "##" not in text


def test_an_answer_is_whole_or_not_yet_or_never() -> None:
    whole = b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\nretry-after: 1\r\nConnection: close\r\n\r\n{}"
    answer = parse_answer(whole)
    assert answer == Answer(503, whole[:-4], b"{}")
    assert (answer.header("Retry-After"), answer.header("age"), answer.closes) == ("1", None, True)
    assert all(parse_answer(whole[:end]) is None for end in range(len(whole)))
    with pytest.raises(BrokenAnswerError, match="Unexpected bytes"):
        parse_answer(whole + b"H")
    with pytest.raises(BrokenAnswerError, match="Not a response with a Content-Length"):
        parse_answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


def test_a_request_tells_the_length_of_its_body() -> None:
    assert request("GET", "/v2") == b"GET /v2 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    sent = request("POST", "/a", "text/plain", b"abc", X_Request_ID="7")
    assert sent.endswith(b"Content-Type: text/plain\r\nContent-Length: 3\r\nX-Request-ID: 7\r\n\r\nabc")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}"


def test_a_connection_answers_until_the_server_ends_it_and_a_cut_answer_is_none() -> None:
    async def ask() -> None:
        ended: list[Connection] = []
        async with listening(answering(OK, OK[:-1])) as port:
            connection = await connect(port, ended.append)
            first = await exchange(connection, request("GET", "/"), 5)
            assert first is not None
            assert first.status == 200
            assert connection.open
            assert await exchange(connection, request("GET", "/"), 5) is None
            assert not connection.open
            assert ended == []  # a request was waiting, and that was told

    asyncio.run(ask())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="the load generator wrk is not installed")
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="the benchmark needs two processor cores")
def test_wrk_loads_a_server_that_runs() -> None:
    found = cores()
    with serving("echo", found[:1]) as echo:
        runs = rounds.closed_loop("png", [echo], 1, 1, found[-1:], {})
    [seen] = runs["echo"]
    assert seen["rate"] > 10
    assert 0 < seen["cpu_us"] * seen["rate"] / 1e6 < 1.1  # of a core
    assert "png" in SECTIONS
