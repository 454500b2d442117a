"""The measurement of services behind a balancer: what counts as lost or wrong, and what its parts promise."""

import asyncio
import json
import os
import struct
import time
from collections.abc import Iterator
from itertools import count, islice, repeat

import pytest

from benchmarks.cluster import client as client_module
from benchmarks.cluster.client import Client, Record
from benchmarks.cluster.name_server import response
from benchmarks.cluster.report import faults_table
from benchmarks.cluster.requests import mixed_requests, one_kind
from benchmarks.cluster.rounds import Round, percentiles
from benchmarks.endurance.workload import CheckedRequest
from benchmarks.serving.http_client import request
from benchmarks.serving.processor_time import own_processor_seconds
from tests.benchmarks.server import Handler, answering, listening

GET = request("GET", "/")


def answer(status: int, body: bytes = b"12") -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def expects(body: bytes) -> Iterator[CheckedRequest]:
    return repeat(CheckedRequest("one", GET, lambda found: None if found.body == body else f"{found.body!r}"))


async def one_record(handler: Handler) -> Record:
    async with listening(handler) as port:
        return await Client("127.0.0.1", port, expects(b"12")).once()


@pytest.mark.parametrize(
    ("received", "lost", "wrong"),
    [
        (answer(200), "", ""),
        (answer(200, b"13"), "", "b'13'"),
        (answer(503), "status 503", ""),
        (answer(500), "status 500", ""),
        (answer(404), "", "status 404: b'12'"),
        (answer(200)[:-1], "no whole answer", ""),
        (b"", "no whole answer", ""),
    ],
)
def test_a_request_is_answered_lost_or_wrong(received: bytes, lost: str, wrong: str) -> None:
    record = asyncio.run(one_record(answering(received)))
    assert (record.lost, record.wrong) == (lost, wrong)


def test_a_silent_service_loses_the_request_when_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PATIENCE_SECONDS", 0.05)

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass

    record = asyncio.run(one_record(silent))
    assert (record.lost, record.wrong) == ("silent for 0 s", "")
    assert 0.05 <= record.seconds < 5


def test_a_refused_connection_loses_the_request() -> None:
    async def refused() -> Record:
        async with listening(answering()) as port:
            pass
        return await Client("127.0.0.1", port, expects(b"")).once()

    assert asyncio.run(refused()).lost.startswith("not connected: ")


def test_by_the_clock_requests_go_on_while_the_service_hangs_and_their_times_count() -> None:
    async def load() -> list[Record]:
        goes_on, enough, answered = asyncio.Event(), asyncio.Event(), count(1)

        async def hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(1024):
                await goes_on.wait()
                writer.write(answer(200))
                if next(answered) == 20:
                    enough.set()

        async with listening(hanging) as port:
            client = Client("127.0.0.1", port, expects(b"12"))
            running = asyncio.create_task(client.open_loop(100))
            await asyncio.sleep(0.2)
            goes_on.set()
            await enough.wait()
            client.stop()
            await running
            return client.records

    records = asyncio.run(load())
    assert [record.lost + record.wrong for record in records] == [""] * len(records)
    assert [record.due for record in sorted(records, key=lambda record: record.due)][:3] == [0.0, 0.01, 0.02]
    assert sum(record.due < 0.15 for record in records) == 15
    assert max(record.seconds for record in records) > 0.1


def test_the_mixed_requests_fit_in_what_the_balancer_sends_again() -> None:
    found = list(islice(mixed_requests(), 4000))
    assert {each.kind for each in found} == {"1 row", "100 rows", "2000 rows", "V2, JSON", "V2, binary"}
    assert 65_536 < max(len(each.content) for each in found) < 98_304


def test_a_wrong_product_is_noticed() -> None:
    each = one_kind(1)
    inputs = json.loads(each.content.partition(b"\r\n\r\n")[2])["inputs"]
    found = {"model": "", "version": 1, "predictions": [[sum(inputs[0]) + 1]], "warnings": [], "extrapolated": [False]}
    content = answer(200, json.dumps(found).encode())

    async def run() -> Record:
        async with listening(answering(content)) as port:
            return await Client("127.0.0.1", port, repeat(each)).once()

    assert asyncio.run(run()).wrong


def test_the_name_server_answers_with_all_addresses() -> None:
    question = b"\x05serve\x00" + struct.pack(">2H", 1, 1)
    query = struct.pack(">6H", 4711, 0x0100, 1, 0, 0, 0) + question
    found = response(query, ["198.18.1.2", "198.18.2.2"])
    assert struct.unpack_from(">6H", found) == (4711, 0x8580, 1, 2, 0, 0)
    assert found[12 : 12 + len(question)] == question
    assert [found[-4:], found[-20:-16]] == [bytes([198, 18, 2, 2]), bytes([198, 18, 1, 2])]
    other = query[:-4] + struct.pack(">2H", 28, 1)  # AAAA
    assert struct.unpack_from(">6H", response(other, ["198.18.1.2"]))[3] == 0


def test_processor_time_of_a_process_counts_its_own_work() -> None:
    before, used = own_processor_seconds(os.getpid()), time.process_time()
    while time.process_time() - used < 0.1:
        pass
    assert 0.05 < own_processor_seconds(os.getpid()) - before < 0.5


def test_the_table_adds_the_rounds_of_a_fault_up() -> None:
    records = [Record("one", 0, 0.001), Record("one", 0, 0.003), Record("one", 0, 9.0, lost="status 503")]
    rounds = [Round("kill", records, 1.0), Round("kill", records, 1.0), Round("cut", [*records[:2]], 1.0)]
    table = faults_table(rounds)
    assert table[2].startswith("| kill | 2 | 6 | 4 | 2 (2 status 503) | 0 | 2.0 ms | ")
    assert table[3].startswith("| cut | 1 | 2 | 2 | 0 | 0 | ")
    assert table[4].startswith("| all | 3 | 8 | 6 | 2 (2 status 503) | 0 | ")


def test_times_of_lost_requests_are_in_no_percentile() -> None:
    records = [Record("one", 0, 0.001)] * 10 + [Record("one", 0, 9.0, lost="status 503")]
    assert Round("kill", records, 1.0).milliseconds() == pytest.approx((1, 1, 1))
    assert percentiles([0.001] * 99 + [1.0])[2] == 1000
