"""A request that waited too long to be read is rejected at its headers, whatever it is, and its connection closed."""

import asyncio
import json
import logging
from pathlib import Path
from time import perf_counter

import pytest

from app.main import Application, create_app
from app.settings import Settings
from tests.app.raw_http import Answer, post, predict_body, without_body
from tests.app.transport.wire import Wire

WAITED, LIMIT = 3.0, 0.5
DETAIL = "The request waited 3.0 seconds to be read, and 0.5 is the limit; try again later."
KNOWN = post(predict_body([3, 4]))
BEGUN = post(b"", "X-Request-ID: mine", "Content-Length: 90000", length=False)
"""A request whose body is still to come."""


@pytest.fixture
def app(tmp_path: Path) -> Application:
    return create_app(Settings(repository=tmp_path, access_log=True, max_queue_delay_seconds=LIMIT))


def late(app: Application, data: bytes, waited: float = WAITED) -> tuple[Answer, bool]:
    """The answer to data that waited that long, and whether the connection is closed after it."""

    async def send() -> tuple[Answer, bool]:
        with Wire(app) as wire:
            wire.protocol.take(data, perf_counter() - waited)
            closed = wire.transport.closed
            (answer,) = await wire.received()
            return answer, closed

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("data", "route"),
    [
        (KNOWN, "/predict/arithmetic"),
        (BEGUN, "/predict/arithmetic"),
        (post(b"not JSON"), "/predict/arithmetic"),
        (post(b"{}", path="/v2/models/sum/infer"), "none"),
        (without_body("GET", "/models"), "none"),
    ],
    ids=["whole", "without-its-body", "invalid", "v2", "models"],
)
def test_a_late_request_is_rejected_and_counted_whatever_it_is(app: Application, data: bytes, route: str) -> None:
    metrics = app.state.service.metrics
    answer, closed = late(app, data)
    assert (answer.status, answer.header("retry-after"), answer.header("connection")) == (503, "1", "close")
    assert closed
    body = json.loads(answer.body)
    assert DETAIL in (body.get("detail"), body.get("error"))
    metrics.flush()
    counted = metrics.registry.get_sample_value
    assert counted("nalu_rejections_total", {"reason": "overloaded"}) == 1
    assert counted("nalu_requests_total", {"route": route, "status": "503"}) == 1
    assert not app.state.service.requests_in_flight


def test_a_late_request_keeps_its_id_in_the_answer_and_in_the_log(
    app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "app.access"):
        answer, _ = late(app, BEGUN)
    assert answer.header("x-request-id") == "mine"
    assert json.loads(answer.body)["request_id"] == "mine"
    assert "/predict/arithmetic" in caplog.text
    assert "503" in caplog.text


def test_a_request_that_waited_less_than_the_limit_is_not_late(app: Application) -> None:
    answer, closed = late(app, without_body("GET", "/models"), LIMIT - 0.1)
    assert DETAIL.encode() not in answer.body
    assert not closed


def test_a_late_probe_is_answered(app: Application) -> None:
    answer, closed = late(app, without_body("GET", "/health/live"))
    assert (answer.status, closed) == (200, False)
