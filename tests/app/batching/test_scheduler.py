"""Batchers for each model and shape, and admission control before them: app.batching.scheduler."""

import asyncio
import gc
import re
import weakref

import pytest

from app.batching.scheduler import MAX_SHAPES
from app.errors import UnavailableError
from tests.app.batching.harness import Harness, model_of, outcome, scenario, turns
from tests.app.raw_http import HeldModel


@scenario
async def test_exactly_as_many_rows_as_may_wait_are_taken_and_one_more_is_refused_at_once() -> None:
    harness, fake = Harness(max_queued_rows=10), HeldModel()
    model = model_of(fake)
    first = await harness.held(model, fake, [[1, 1]] * 4)
    taken = harness.request(model, [[2, 2]] * 6)
    await turns()
    refused = harness.request(model, [[3, 3]])
    await turns()
    assert refused.done()
    error = refused.exception()
    assert isinstance(error, UnavailableError)
    assert error.detail == "10 rows are queued or running, and 10 is the limit; try again later."
    assert error.headers == {"Retry-After": "1"}
    assert (error.status_code, error.reason) == (503, "queue_full")
    fake.release.set()
    assert (await first).tolist() == [[2]] * 4
    assert (await taken).tolist() == [[4]] * 6
    assert harness.counters() == (0, 0, 0, 0)
    assert (await harness.request(model, [[3, 3]])).tolist() == [[6]]


@scenario
async def test_an_empty_queue_takes_a_request_that_is_larger_than_the_queue() -> None:
    harness, fake = Harness(max_queued_rows=10), HeldModel()
    model = model_of(fake)
    large = await harness.held(model, fake, [[1, 1]] * 50)
    refused = await outcome(harness.request(model, [[1, 1]]))
    assert refused.detail == "50 rows are queued or running, and 10 is the limit; try again later."
    fake.release.set()
    assert len(await large) == 50


@scenario
async def test_exactly_as_many_pixels_as_may_wait_are_taken_and_one_more_is_refused() -> None:
    queue = Harness(max_queued_pixels=100).scheduler.queue_limiter
    with queue.reserve_pixels(60):
        with queue.reserve_pixels(40):
            with pytest.raises(UnavailableError) as refused, queue.reserve_pixels(1):
                pass
            assert refused.value.detail == ("100 pixels are queued or running, and 100 is the limit; try again later.")
        assert queue.pixels == 60
    with queue.reserve_pixels(1000):  # nothing waits, so that it would never be taken otherwise
        assert queue.pixels == 1000
    assert queue.pixels == 0


@scenario
async def test_a_large_request_is_not_taken_to_cost_as_much_as_many_small_ones() -> None:
    harness, fake = Harness(max_queue_delay_seconds=0.5), HeldModel()
    model = model_of(fake)
    harness.latency(model).record(1, 0.001)
    large = await harness.held(model, fake, [[1, 1]] * 10_000)
    try:
        harness.scheduler.check_queue_delay(model)
    finally:
        fake.release.set()
        await large


@scenario
async def test_when_the_first_in_the_queue_has_waited_too_long_others_are_refused_until_it_is_computed() -> None:
    harness, fake = Harness(max_queue_delay_seconds=5), HeldModel()
    model = model_of(fake)
    first = await harness.held(model, fake, [[1, 1]])
    waiting = harness.request(model, [[2, 2]])
    await turns()
    harness.age(model, 4.5)
    harness.scheduler.check_queue_delay(model)
    harness.age(model, 1)
    with pytest.raises(UnavailableError) as refused:
        harness.scheduler.check_queue_delay(model)
    assert re.fullmatch(
        r"Requests for model 'sum' have waited [567]\.\d seconds in its queue, and 5 is the limit; try again later\.",
        refused.value.detail,
    )
    assert refused.value.reason == "overloaded"
    fake.release.set()
    await first
    await waiting
    harness.scheduler.check_queue_delay(model)


@scenario
async def test_a_wait_for_a_long_batch_of_another_shape_is_no_overload() -> None:
    harness, fake = Harness(max_queue_delay_seconds=5), HeldModel()
    model = model_of(fake)
    held = await harness.held(model, fake, [[1, 1]])
    waiting = harness.request(model, [[2, 2, 2]])
    await turns()
    harness.age(model, 6)
    harness.latency(model).record(1, 10.0)
    harness.scheduler.check_queue_delay(model)
    harness.latency(model).record(1, 0.01)
    with pytest.raises(UnavailableError, match=r"have waited [67]\.\d seconds in its queue, and 5 is the limit"):
        harness.scheduler.check_queue_delay(model)
    fake.release.set()
    await asyncio.gather(held, waiting)


@scenario
async def test_shapes_that_come_once_do_not_pile_up() -> None:
    harness, fake = Harness(), HeldModel(held=False)
    model = model_of(fake)
    for width in range(1, 4 * MAX_SHAPES):
        assert (await harness.request(model, [[1.0] * width])).item() == width
        assert len(harness.batchers(model)) <= MAX_SHAPES


@scenario
async def test_more_shapes_at_a_time_than_are_kept_are_all_answered() -> None:
    harness, fake = Harness(), HeldModel()
    model = model_of(fake)
    requests = [await harness.held(model, fake, [[1, 1]])]
    requests += [harness.request(model, [[1.0] * width]) for width in range(1, 2 * MAX_SHAPES)]
    await turns()
    fake.release.set()
    assert [(await request).item() for request in requests] == [2, *range(1, 2 * MAX_SHAPES)]
    assert harness.counters() == (0, 0, 0, 0)
    await harness.request(model, [[1.0] * 999])
    assert len(harness.batchers(model)) == 1


@scenario
async def test_models_and_versions_and_widths_never_share_a_batch() -> None:
    harness = Harness(concurrency=1)
    fakes = [HeldModel() for _ in range(3)]
    models = [model_of(fakes[0]), model_of(fakes[1], version=2), model_of(fakes[2], name="other")]
    first = await harness.held(models[0], fakes[0], [[1, 1]])
    widths = (1, 2, 3)
    requests = [
        harness.request(model, [[width * 1.0] * width]) for _ in range(3) for model in models for width in widths
    ]
    await turns()
    for fake in fakes:
        fake.release.set()
    await first
    assert [(await request).item() for request in requests] == [1, 4, 9] * 9
    assert fakes[0].sizes[0] == 1
    for fake, begun in zip(fakes, (1, 0, 0), strict=True):
        assert sorted(batch.shape for batch in fake.batches[begun:]) == [(3, 1), (3, 2), (3, 3)]


@pytest.mark.slow
@scenario
async def test_a_model_that_is_unloaded_while_it_computes_for_a_cancelled_request_holds_up_no_other() -> None:
    harness, fake = Harness(), HeldModel()
    models = [model_of(fake)]
    first = await harness.held(models[0], fake, [[1, 1]])
    other = harness.request(model_of(HeldModel(held=False), "other"), [[2, 2]])
    await turns()
    first.cancel()
    models.clear()
    await turns()
    del first
    gc.collect()
    fake.release.set()
    assert (await other).tolist() == [[4]]
    assert harness.counters() == (0, 0, 0, 0)


@scenario
async def test_an_unloaded_model_is_freed_with_its_batchers_and_not_left_to_the_garbage_collector() -> None:
    harness, fake = Harness(), HeldModel(held=False)
    models = [model_of(fake)]
    assert (await harness.request(models[0], [[3, 4]])).tolist() == [[7]]
    references = [weakref.ref(models[0]), *map(weakref.ref, harness.batchers(models[0]).values())]
    assert len(references) == 2
    await turns()
    gc.disable()
    try:
        models.clear()
        assert [reference() for reference in references] == [None, None]
    finally:
        gc.enable()
