"""Requests that are cancelled, past their deadline or disconnected while they are queued."""

import asyncio
from contextlib import suppress

from starlette.requests import ClientDisconnect

from app.batching.batcher import DISCONNECT_CHECK_SECONDS
from app.errors import UnavailableError
from tests.app.batching.harness import FakeRequest, Harness, model_of, outcome, scenario, turns, until
from tests.app.raw_http import HeldModel


@scenario
async def test_a_request_whose_time_is_over_before_its_turn_is_refused_and_not_computed() -> None:
    harness, fake = Harness(request_timeout_seconds=30), HeldModel()
    model = model_of(fake)
    first = await harness.held(model, fake, [[1, 1]])
    late = FakeRequest()
    late.started -= 31
    requests = [harness.request(model, [[2, 2]], late), harness.request(model, [[3, 3]])]
    await turns()
    harness.age(model, DISCONNECT_CHECK_SECONDS)
    fake.release.set()
    await first
    refused, answered = [await outcome(request) for request in requests]
    assert isinstance(refused, UnavailableError)
    assert refused.detail == "The request was not answered within 30 seconds, which is the limit; try again later."
    assert refused.reason == "timeout"
    assert answered == [[6]]
    assert fake.sizes == [1, 1]
    assert harness.counters() == (0, 0, 0, 0)


@scenario
async def test_a_client_that_has_gone_costs_no_computation() -> None:
    harness, fake = Harness(), HeldModel()
    model = model_of(fake)
    first = await harness.held(model, fake, [[1, 1]])
    impatient = FakeRequest()
    requests = [harness.request(model, [[2, 2]] * 7, impatient), harness.request(model, [[3, 3]])]
    await turns()
    impatient.disconnected = True
    harness.age(model, DISCONNECT_CHECK_SECONDS)
    fake.release.set()
    await first
    assert isinstance(await outcome(requests[0]), ClientDisconnect)
    assert await outcome(requests[1]) == [[6]]
    assert fake.sizes == [1, 1]
    assert harness.counters() == (0, 0, 0, 0)


@scenario
async def test_a_batch_whose_requests_are_all_cancelled_is_neither_computed_nor_counted() -> None:
    harness, fake = Harness(), HeldModel()
    model = model_of(fake)
    first = await harness.held(model, fake, [[1, 1]])
    waiting = harness.request(model, [[2, 2]] * 7)
    await turns()
    waiting.cancel()
    await turns()
    fake.release.set()
    await first
    await until(lambda: harness.scheduler.queue_limiter.rows == 0)
    await turns()
    harness.metrics.flush()
    labels = {"model": "sum", "version": "1"}
    for name in ("nalu_batch_rows_count", "nalu_compute_seconds_count", "nalu_prediction_rows_total"):
        assert harness.metrics.registry.get_sample_value(name, labels) == 1, name


@scenario
async def test_cancelled_requests_leave_all_counters_at_zero_whether_they_waited_or_were_computed() -> None:
    harness, fake = Harness(), HeldModel()
    model, other = model_of(fake), model_of(HeldModel(held=False), "other")
    computed = await harness.held(model, fake, [[1, 1]] * 3)
    waiting = [harness.request(model, [[2, 2]] * 2), harness.request(other, [[2, 2]] * 2)]
    await turns()
    assert harness.counters() == (7, 0, 1, 2)
    for task in (computed, *waiting):
        task.cancel()
    await turns()
    fake.release.set()
    await until(lambda: harness.counters() == (0, 0, 0, 0))
    assert (await harness.request(model, [[1, 1]])).tolist() == [[2]]
    assert fake.sizes == [3, 1]


@scenario
async def test_a_request_that_is_cancelled_just_before_its_batch_completes_harms_no_other_of_it() -> None:
    harness, fake = Harness(), HeldModel(held=False)
    model = model_of(fake)
    harness.quick(model)
    requests = [harness.request(model, [[number, 0]]) for number in range(4)]
    await asyncio.sleep(0)  # now all but the first wait for the next turn, in which they are computed inline
    requests[1].cancel()
    outcomes = [await outcome(request) for request in (requests[0], requests[2], requests[3])]
    assert outcomes == [[[0]], [[2]], [[3]]]
    with suppress(asyncio.CancelledError):
        await requests[1]
    assert harness.counters() == (0, 0, 0, 0)
