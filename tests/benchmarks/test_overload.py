"""The overload benchmark: a client by the clock that counts every request, and what is made of its counts."""

import asyncio
import math

import pytest

from benchmarks.overload.client import OpenLoop, Outcome
from benchmarks.overload.deadlines import answers_by_bound
from benchmarks.overload.report import longest_wait, ratios, render
from benchmarks.serving.bodies import arithmetic
from benchmarks.serving.http_client import post
from tests.benchmarks.server import Handler, answering, listening

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}"
CONTENT = post(arithmetic([[3, 4]]))


def loaded(rate: float, handler: Handler, *, keep: bool = True, connections: int = 20) -> Outcome:
    async def load() -> Outcome:
        async with listening(handler) as port:
            client = OpenLoop(port, CONTENT, rate, keep=keep, connections=connections)
            return await asyncio.to_thread(client.run, 0.05, 0.2)

    return asyncio.run(load())


@pytest.mark.parametrize("keep", [True, False])
def test_requests_come_by_the_clock_and_each_is_counted(keep: bool) -> None:
    outcome = loaded(500, answering(OK, BUSY), keep=keep)
    assert outcome.due == pytest.approx(500 * outcome.seconds, rel=0.3)
    assert outcome.statuses[200] > 0
    assert outcome.silent_refusals == outcome.statuses[503]
    assert (outcome.statuses[503] > 0) == keep  # the first answer on a connection is the 200
    counted = outcome.statuses.total() + outcome.no_answer + outcome.not_sent
    assert counted == pytest.approx(outcome.due, abs=20)  # some are waiting, at both ends
    assert outcome.as_dict()["goodput"] == round(outcome.statuses[200] / outcome.seconds, 1)


def test_requests_that_find_all_connections_waiting_are_counted_and_not_sent() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    outcome = loaded(500, silent, connections=3)
    assert outcome.statuses.total() == 0
    assert outcome.not_sent >= outcome.due - 3


def test_without_a_rate_a_request_follows_each_answer() -> None:
    outcome = loaded(math.inf, answering(OK), connections=2)
    assert outcome.statuses[200] > 5
    assert outcome.due == outcome.not_sent == 0
    assert max(outcome.waits) < 0.5


def seen(peak: float, goodput: float) -> dict[str, dict[str, object]]:
    one = {"goodput": goodput, "refused": 1.0, "no_answer": 2.0, "not_sent": 3.0}
    return {"peak": {"goodput": peak}, "overload": {"3": one | {"p50": 10.0, "p99": 20.0, "client_cores": 0.5}}}


def test_the_page_has_medians_and_the_ratios_of_the_rounds() -> None:
    rounds = [seen(1000, 900), seen(2000, 2000), seen(1000, 950)]
    case = {"server": "service", "kind": "png", "keep": False, "rounds": rounds}
    results = {"origin": "Measured", "rounds": 3, "seconds": 2.0, "cases": [case]}
    assert ratios(rounds, "3") == [0.9, 1.0, 0.95]
    text = render(results)
    assert "## 28x28 PNG" in text
    assert "| ours | new | 3 | 1,000 | 950 | 0.95 (0.90 to 1.00) | 1 | 2 | 3 | 10 ms, 20 ms | 0.50 |" in text


METRICS = """\
# TYPE nalu_request_seconds histogram
nalu_request_seconds_bucket{le="0.5",route="/predict/image"} 7.0
nalu_request_seconds_bucket{le="+Inf",route="/predict/image"} 7.0
nalu_request_seconds_bucket{le="0.5",route="/predict/arithmetic"} 3.0
nalu_request_seconds_bucket{le="1.0",route="/predict/arithmetic"} 5.0
nalu_request_seconds_bucket{le="+Inf",route="/predict/arithmetic"} 6.0
nalu_request_seconds_count{route="/predict/arithmetic"} 6.0
"""


def test_answers_are_counted_by_the_bound_of_their_time_and_the_longest_is_named() -> None:
    assert dict(answers_by_bound(METRICS, "/predict/arithmetic")) == {"0.5": 3, "1.0": 2, "+Inf": 1}
    assert longest_wait({"0.5": 3, "1.0": 2, "+Inf": 1}) == "+Inf"
    assert longest_wait({"0.5": 3, "1.0": 2, "+Inf": 0}) == "1.0"


def test_the_page_has_the_longest_wait_of_all_rounds() -> None:
    rounds = [seen(10, 9) | {"deadline": {"3": {"0.5": 90, "1.0": late}}} for late in (0, 7)]
    case = {"server": "service", "kind": "png", "keep": True, "rounds": rounds}
    text = render({"origin": "Measured", "rounds": 2, "seconds": 2.0, "cases": [case]})
    assert "| png | kept | 3 | 187 | 7 | 1.0 s |" in text
