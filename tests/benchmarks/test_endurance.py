"""The endurance benchmark: it takes right answers for right and nothing else, and knows how a request was lost."""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks.endurance import clients
from benchmarks.endurance.clients import Clients, Pacer
from benchmarks.endurance.closed_loop_client import ClosedLoopClient, RequestOutcomes, has_ended, how_lost
from benchmarks.endurance.invalid_requests import invalid_requests
from benchmarks.endurance.memory import MemoryMonitor
from benchmarks.endurance.request_stats import RequestStats, percentile, problem_of
from benchmarks.endurance.scraped_errors import scraped_server_errors
from benchmarks.endurance.shutdown import Round
from benchmarks.endurance.version_swaps import NOTICED_SECONDS, VersionSwaps
from benchmarks.endurance.workload import (
    LAWS,
    LENGTH_HEADER,
    ArithmeticRequests,
    CheckedRequest,
    checked_images,
    compare,
    same_image,
    shuffled,
)
from benchmarks.serving.http_client import Answer, BrokenAnswerError, request
from benchmarks.serving.processor_time import processor_seconds
from tests.benchmarks.server import Handler, answering, listening

ROOT = Path(__file__).parents[2]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def answer(reported: object, status: int = 200, head: str = "") -> Answer:
    body = reported if isinstance(reported, bytes) else json.dumps(reported).encode()
    return Answer(status, f"HTTP/1.1 {status} x\r\n{head}".encode(), body)


def sent(checked: CheckedRequest) -> dict[str, object]:
    return json.loads(checked.content.partition(b"\r\n\r\n")[2])


def arithmetic(saw: Callable[[str, int], str | None] = lambda name, version: None) -> ArithmeticRequests:
    return ArithmeticRequests(ROOT / "repository", saw)


def right_answer(checked: CheckedRequest) -> dict[str, object]:
    body = sent(checked)
    law, inputs = LAWS[body["model"]], body["inputs"]
    outputs = [[law(*row)] if row[1] else None for row in inputs]
    manifest = json.loads((ROOT / "repository" / body["model"] / "1" / "manifest.json").read_text(encoding="utf-8"))
    low, high = np.array(manifest["training"]["ranges"]).T
    outside = ((np.array(inputs) < low) | (np.array(inputs) > high)).any(1).tolist()
    warnings = [{"row": row, "message": "..."} for row, output in enumerate(outputs) if output is None]
    reported = {"model": body["model"], "version": 1, "predictions": outputs}
    return {**reported, "extrapolated": outside, "warnings": warnings}


def test_right_rows_are_right_and_any_change_to_them_is_wrong() -> None:
    made = arithmetic()
    for checked in (made.rows(3) for _ in range(40)):
        reported = right_answer(checked)
        if None not in reported["predictions"]:
            assert checked.check(answer(reported)) is None
            other = [[value[0] * (1 + 1e-9) + 1e-9] for value in reported["predictions"]]
            assert "instead of" in checked.check(answer({**reported, "predictions": other}))
            assert "rows" in checked.check(answer({**reported, "predictions": reported["predictions"][:2]}))
        changed = {**reported, "extrapolated": [not outside for outside in reported["extrapolated"]]}
        assert checked.check(answer(changed)) == "extrapolated is wrong"
        assert "was answered by" in checked.check(answer({**reported, "model": "square"}))


def test_a_division_by_zero_has_to_be_null_and_named() -> None:
    made = arithmetic()
    requests = (made.rows(2) for _ in range(400))
    checked = next(one for one in requests if sent(one)["model"] == "divide" and not sent(one)["inputs"][0][1])
    reported = right_answer(checked)
    assert checked.check(answer(reported)) is None
    assert checked.check(answer({**reported, "warnings": []})) == "warnings for rows []"
    assert "row 0 is [0.0] instead of None" in checked.check(
        answer({**reported, "predictions": [[0.0], reported["predictions"][1]]})
    )


def test_v2_answers_are_checked_in_json_and_in_bytes() -> None:
    made = arithmetic()
    as_json = made.v2(2)
    tensor, path = sent(as_json)["inputs"][0], as_json.content.split()[1].decode()
    law, numbers = LAWS[path.split("/")[3]], tensor["data"]
    outputs = [law(*numbers[:2]), law(*numbers[2:])]
    reported = {"model_version": "1", "outputs": [{"data": outputs}]}
    assert as_json.check(answer(reported)) is None
    assert "instead of" in as_json.check(answer({**reported, "outputs": [{"data": outputs[::-1]}]}))

    binary = made.v2_binary(1)
    length = int(parse_header(binary.content, LENGTH_HEADER))
    body = binary.content.partition(b"\r\n\r\n")[2]
    tensor = json.loads(body[:length])["inputs"][0]
    assert tensor["parameters"]["binary_data_size"] == len(body) - length == 16
    output = LAWS[binary.content.split()[1].decode().split("/")[3]](*struct.unpack("<2d", body[length:]))
    head = json.dumps({"model_version": "1"}).encode()
    binary_answer = answer(head + struct.pack("<d", output), head=f"{LENGTH_HEADER}: {len(head)}\r\n")
    assert binary.check(binary_answer) is None
    other = answer(head + struct.pack("<d", output + 1), head=f"{LENGTH_HEADER}: {len(head)}\r\n")
    assert "instead of" in binary.check(other)


def parse_header(content: bytes, name: str) -> str:
    return next(line for line in content.decode("latin-1").split("\r\n") if line.startswith(name)).partition(": ")[2]


def test_an_image_is_held_to_its_first_answer() -> None:
    truth = {"label": "3", "probabilities": {"3": 0.9, "5": 0.1}}
    checked = checked_images("digit", [b"x"], [truth], lambda name, version: None)
    assert checked.check(answer({"predictions": [truth], "version": 1})) is None
    assert "not the first answer" in checked.check(answer({"predictions": [truth, truth], "version": 1}))
    assert not same_image({**truth, "label": "5"}, truth)
    assert not same_image({**truth, "probabilities": {"3": 0.89, "5": 0.11}}, truth)
    assert same_image({"value": 7.00001}, {"value": 7.0})
    assert not same_image({"value": 7.01}, {"value": 7.0})


def test_rows_that_are_too_few_or_too_wide_are_wrong() -> None:
    assert compare([[1.0]], [[1.0]]) is None
    assert compare([[1.0, 2.0]], [[1.0]]) == "row 0 is [1.0, 2.0] instead of [1.0]"
    assert compare([], [[1.0]]) == "0 rows instead of 1"


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (answer({}), None),
        (answer({}, 503, "Retry-After: 1\r\n"), None),
        (answer({}, 503), "503 without Retry-After"),
        (answer({}, 500), "status 500 instead of"),
        (answer(b"[", 200), "JSONDecodeError"),
    ],
)
def test_an_answer_is_judged_by_its_status_and_then_by_its_content(response: Answer, problem: str | None) -> None:
    fault = problem_of(
        CheckedRequest("kind", b"", lambda got: None if json.loads(got.body) == {} else "not empty"), response
    )
    assert fault is None if problem is None else problem in fault


def test_a_refusal_has_to_have_the_status_that_says_so_rightly() -> None:
    kinds = {checked.kind: checked for checked in invalid_requests(v2=True)}
    assert problem_of(kinds["rejected: a cut body"], answer({}, 422)) is None
    assert "status 200" in problem_of(kinds["rejected: a cut body"], answer({}, 200))
    assert problem_of(kinds["rejected: V2: too few numbers"], answer({}, 400)) is None
    assert len(invalid_requests(v2=False)) < len(kinds)


def test_the_ledger_names_every_rule_that_is_broken() -> None:
    stats, kind = RequestStats(), CheckedRequest("1 row", b"", lambda got: None)
    stats.record(kind, answer({}), 0.002)
    assert stats.broken_rules() == []
    stats.record(kind, answer({}, 500), 0.002)
    stats.record(kind, None, 15.0)
    assert stats.broken_rules() == [
        "1 answers are wrong",
        "1 answers are 5xx other than 503",
        "1 requests got no answer",
    ]
    assert "1 row                  2       0     1      2.0      2.0" in list(stats.table())


def test_a_percentile_is_a_value_that_was_seen() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert percentile([1.0], 0.99) == 1.0
    assert percentile([], 0.5) == 0.0


def test_the_mix_follows_its_weights() -> None:
    often, seldom = (CheckedRequest(kind, b"", lambda got: None) for kind in ("often", "seldom"))
    kinds = [checked.kind for checked in islice(shuffled([(9, [often]), (1, [seldom])]), 4000)]
    assert 300 < kinds.count("seldom") < 500


def test_server_errors_are_read_from_the_services_own_count() -> None:
    text = (
        'nalu_requests_total{route="/v2/{model}",status="500"} 3.0\n'
        'nalu_requests_total{route="/a",status="503"} 5.0\n'
        'nalu_requests_total{route="/a",status="200"} 7.0\n'
    )
    assert scraped_server_errors(text) == 3
    assert scraped_server_errors("") is None


def test_a_version_comes_whole_and_goes_and_its_answers_are_right_only_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "repository" / "multiply" / "1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"name": "multiply", "version": 1}', encoding="utf-8")
    swaps = VersionSwaps(tmp_path / "repository")
    assert swaps.record_version("multiply", 2) == "multiply never had a version 2"
    swaps.add(2)
    manifest = json.loads((folder.with_name("2") / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == {"name": "multiply", "version": 2}
    assert swaps.record_version("multiply", 2) is None
    swaps.remove(2)
    assert [entry.name for entry in folder.parent.iterdir()] == ["1"]
    assert swaps.record_version("multiply", 2) is None  # the service may take a while to notice
    swaps.went[2] -= NOTICED_SECONDS + 1
    assert swaps.record_version("multiply", 2) == "multiply 2 has been gone for 15 seconds"
    assert swaps.record_version("add", 2) == "add has no version 2"
    assert (swaps.written, swaps.seen[2]) == (1, 2)


def test_memory_is_the_median_of_ten_seconds() -> None:
    memory = MemoryMonitor(os.getpid())
    memory.samples = [(float(second), 100.0 + second) for second in range(100)]
    assert memory.until(60.0) == 155.0
    assert memory.at_end() == 194.0
    assert processor_seconds(os.getpid()) > 0


def test_a_pacer_lets_through_what_is_due() -> None:
    async def count() -> int:
        pacer, turns = Pacer(200.0), 0
        end = asyncio.get_running_loop().time() + 0.3
        while asyncio.get_running_loop().time() < end:
            await pacer.turn()
            turns += 1
        return turns

    assert 5 < asyncio.run(count()) < 90


async def ask(handler: Handler, *, keep: bool) -> RequestOutcomes:
    """What one client counts in a moment."""
    async with listening(handler) as port:
        tally = RequestOutcomes()
        client = ClosedLoopClient(port, [request("GET", "/")], tally, keep=keep)
        asking = asyncio.create_task(client.run())
        await asyncio.sleep(0.2)
        client.stop()
        await asking
    return tally


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@pytest.mark.parametrize(
    ("handler", "lost"),
    [
        (answering(OK[:-1]), "fresh, cut answer"),
        (answering(b""), "fresh, ended"),
        (reset, "fresh, reset"),
        (answering(OK, b""), "reused, ended"),
        (answering(OK, OK[:20]), "reused, cut answer"),
        (answering(b"nonsense\r\n\r\n"), "fresh, no answer in HTTP"),
    ],
)
def test_an_accepted_request_without_a_whole_answer_is_lost(handler: Handler, lost: str) -> None:
    assert set(asyncio.run(ask(handler, keep=True)).lost) == {lost}


@pytest.mark.slow
def test_a_client_heeds_connection_close_and_one_that_keeps_nothing_says_so() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for keep, response in ((True, closing), (False, OK)):
        tally = asyncio.run(ask(answering(response), keep=keep))
        assert tally.statuses[200] > 5
        assert (tally.lost, tally.found_ended) == ({}, 0)
    assert b"\r\nConnection: close\r\n" in ClosedLoopClient(1, [request("GET", "/")], tally, keep=False).contents[0]


def test_a_refused_connection_loses_nothing() -> None:
    async def refuse() -> RequestOutcomes:
        with socket.socket() as bound:  # bound, so that nobody else listens on it
            bound.bind(("127.0.0.1", 0))
            client = ClosedLoopClient(bound.getsockname()[1], [OK], RequestOutcomes(), keep=True)
            asking = asyncio.create_task(client.run())
            await asyncio.sleep(0.05)
            client.stop()
            await asking
            return client.outcomes

    tally = asyncio.run(refuse())
    assert tally.refused > 0
    assert tally.lost == {}


def test_an_end_that_has_come_is_known_before_a_request_is_written() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        assert not has_ended(ours)
        theirs.close()
        assert has_ended(ours)


def test_losses_have_names_and_stand_in_the_round_s_line() -> None:
    assert how_lost(TimeoutError(), False) == "silent for 30 s"
    assert how_lost(ConnectionResetError(), True) == "cut answer"
    assert how_lost(ConnectionResetError(), False) == "reset"
    assert how_lost(BrokenAnswerError(), True) == "no answer in HTTP"
    seen = Round(signal_seconds=0.5, end_seconds=0.75)
    seen.outcomes.statuses.update({200: 1000, 503: 2})
    seen.outcomes.lost["fresh, reset"] = 3
    assert seen.line(7).split() == ["7", "0.50", "0.75", "1,002", "2", "0", "0", "3", "3", "fresh,", "reset"]


@pytest.mark.slow
def test_clients_ask_at_their_rate_and_some_of_them_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "LEAVE_SECONDS", 0.02)

    async def load() -> RequestStats:
        async with listening(answering(*[OK] * 1000)) as port:
            mix = shuffled([(1, [CheckedRequest("kind", request("GET", "/"), lambda got: None)])])
            return await Clients(port, mix, 4).run(0.4, 200.0)

    stats = asyncio.run(load())
    assert 5 < stats.answered < 100
    assert stats.broken_rules() == []
    assert stats.dropped.total() > 2
