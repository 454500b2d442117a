"""Dynamic batching with fake models, whose every computation a test can hold: app.batching.batcher."""

import asyncio
import threading
from collections.abc import Coroutine
from itertools import count
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.batching import batcher, limiter
from tests.app.batching.harness import FakeRequest, Harness, model_of, outcome, scenario, turns, until
from tests.app.raw_http import HeldModel


@scenario
async def test_what_arrives_while_a_model_is_busy_is_one_batch() -> None:
    harness, fake = Harness(), HeldModel()
    model = model_of(fake)
    first = await harness.held(model, fake, [[1, 1]])
    others = [harness.request(model, [[number, 0]] * 2) for number in range(5)]
    await turns()
    assert harness.counters() == (11, 0, 1, 1)
    fake.release.set()
    assert (await first).tolist() == [[2]]
    assert [(await other).tolist() for other in others] == [[[number]] * 2 for number in range(5)]
    assert fake.sizes == [1, 10]
    assert harness.counters() == (0, 0, 0, 0)


@scenario
async def test_a_lone_request_to_a_quick_model_is_computed_at_once_in_the_event_loop() -> None:
    harness, fake = Harness(), HeldModel(held=False)
    model = model_of(fake)
    harness.quick(model)
    request = FakeRequest()
    prediction = harness.scheduler.predict(model, np.array([[3.0, 4.0]]), request)
    coroutine = cast(Coroutine[Any, Any, NDArray[np.float64]], prediction)
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)  # it ends before it has waited for anything at all: no timer, no thread, no turn
    assert done.value.value.tolist() == [[7]]
    assert fake.threads[-1] == threading.get_ident()
    assert request.rows == 1


@scenario
async def test_a_request_that_takes_longer_is_computed_at_once_only_if_the_last_one_was_alone_in_its_turn() -> None:
    harness, fake = Harness(clock=lambda: 0.0), HeldModel(held=False)
    model = model_of(fake)
    estimate = 2 * batcher.IMMEDIATE_SECONDS
    harness.latency(model).seconds = lambda rows: estimate  # type: ignore[method-assign]

    async def computed_at_once() -> bool:
        """Whether a lone request is computed before the turn of the event loop has ended."""
        before = len(fake.sizes)
        request = harness.request(model, [[1, 1]])
        await asyncio.sleep(0)
        at_once = len(fake.sizes) > before
        await request
        return at_once

    assert [await computed_at_once() for _ in range(3)] == [False, True, True]
    await asyncio.gather(*(harness.request(model, [[1, 1]]) for _ in range(3)))  # the first is, and the rest one batch
    assert fake.sizes[3:] == [1, 2]
    await asyncio.gather(*(harness.request(model, [[1, 1]]) for _ in range(3)))
    assert fake.sizes[5:] == [3]
    assert [await computed_at_once() for _ in range(2)] == [False, True]
    estimate = 2 * limiter.MAX_INLINE_SECONDS_ON_ONE_CORE
    assert not await computed_at_once()  # it is one for a thread


@scenario
async def test_requests_of_one_turn_to_a_quick_model_are_one_batch_after_the_first() -> None:
    harness, fake = Harness(), HeldModel(held=False)
    model = model_of(fake)
    harness.quick(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batcher, "MAX_BATCH_DELAY_SECONDS", 60)  # however busy the machine is
        requests = [harness.request(model, [[number, 1]]) for number in range(10)]
        assert [(await request).tolist() for request in requests] == [[[number + 1]] for number in range(10)]
    assert fake.sizes == [1, 9]


@scenario
async def test_a_turn_that_lasts_too_long_is_cut_into_batches() -> None:
    harness, fake = Harness(), HeldModel(held=False)
    model = model_of(fake)
    harness.quick(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batcher, "MAX_BATCH_DELAY_SECONDS", 0)
        requests = [harness.request(model, [[number, 1]]) for number in range(10)]
        assert [(await request).tolist() for request in requests] == [[[number + 1]] for number in range(10)]
    assert fake.sizes == [1, 2, 2, 2, 2, 1]


@scenario
async def test_a_batch_holds_no_more_rows_than_its_cap_and_keeps_the_order() -> None:
    harness, fake = Harness(max_batch_rows=10), HeldModel()
    model = model_of(fake)
    first = await harness.held(model, fake, [[0, 0]])
    sizes = [4, 6, 1, 9, 1, 25, 3]
    requests = [harness.request(model, [[size, 0]] * size) for size in sizes]
    await turns()
    fake.release.set()
    await first
    for size, request in zip(sizes, requests, strict=True):
        assert (await request).tolist() == [[size]] * size
    assert fake.sizes == [1, 10, 10, 1, 25, 3]  # one request alone may be larger: it is not cut


@scenario
async def test_a_request_that_fails_fails_alone() -> None:
    harness, fake = Harness(), HeldModel()
    model = model_of(fake)
    first = await harness.held(model, fake, [[1, 1]])
    requests = [harness.request(model, [[number, 0], [1, 0]]) for number in (11, 12, 13, 14, 13)]
    await turns()
    fake.release.set()
    await first
    outcomes = [await outcome(request) for request in requests]
    assert outcomes[:2] + outcomes[3:4] == [[[11], [1]], [[12], [1]], [[14], [1]]]
    for failed in (outcomes[2], outcomes[4]):
        assert (type(failed), str(failed)) == (RuntimeError, "This model cannot stand 13.")
    assert harness.counters() == (0, 0, 0, 0)
    assert (await harness.request(model, [[1, 1]])).tolist() == [[2]]


@scenario
async def test_a_request_that_fails_inline_fails_alone() -> None:
    harness, fake = Harness(), HeldModel(held=False)
    model = model_of(fake)
    harness.quick(model)
    requests = [harness.request(model, [[number, 0]]) for number in (13, 1, 13, 2)]
    outcomes = [await outcome(request) for request in requests]
    assert [str(failed) for failed in outcomes[::2]] == ["This model cannot stand 13."] * 2
    assert outcomes[1::2] == [[[1]], [[2]]]
    assert harness.counters() == (0, 0, 0, 0)


@scenario
async def test_no_rows_at_all_are_answered_with_none() -> None:
    harness, fake = Harness(), HeldModel(held=False)
    model = model_of(fake)
    none = np.empty((0, 2))
    assert (await harness.request(model, none)).shape == (0, 1)
    harness.quick(model)
    assert [(await request).shape for request in (harness.request(model, none), harness.request(model, none))] == [
        (0, 1)
    ] * 2
    assert harness.counters() == (0, 0, 0, 0)


@scenario
async def test_the_event_loop_is_free_while_a_batch_is_computed() -> None:
    harness, fake = Harness(), HeldModel()
    first = await harness.held(model_of(fake), fake, [[1, 1]])
    assert fake.threads[0] != threading.get_ident()
    seen = []
    for _ in range(10):
        await asyncio.sleep(0)
        seen.append(first.done())
    assert seen == [False] * 10
    fake.release.set()
    assert (await first).tolist() == [[2]]


@scenario
async def test_a_model_that_computes_long_goes_on_running_in_threads() -> None:
    threads: list[int] = []

    def slow(inputs: NDArray[Any]) -> NDArray[Any]:
        threads.append(threading.get_ident())
        return inputs.sum(1, keepdims=True)

    harness, model = Harness(clock=count(step=0.02).__next__), model_of(slow)
    for number in range(5):
        assert (await harness.request(model, [[number, 0]])).tolist() == [[number]]
    assert threading.get_ident() not in threads


@scenario
async def test_no_more_batches_run_at_the_same_time_than_allowed_and_waiting_models_get_their_turn() -> None:
    harness = Harness(concurrency=2)
    fakes = [HeldModel() for _ in range(4)]
    models = [model_of(fake, name=f"m{index}") for index, fake in enumerate(fakes)]
    requests = [harness.request(model, [[index, 0]]) for index, model in enumerate(models)]
    await until(lambda: fakes[0].entered.is_set() and fakes[1].entered.is_set())
    await turns()
    assert harness.counters() == (4, 0, 2, 2)
    assert not fakes[2].entered.is_set()
    fakes[1].release.set()
    await until(fakes[2].entered.is_set)
    assert not fakes[3].entered.is_set()
    assert harness.scheduler.limiter.running == 2
    for fake in fakes:
        fake.release.set()
    assert [(await request).item() for request in requests] == [0, 1, 2, 3]
    assert harness.counters() == (0, 0, 0, 0)


@scenario
async def test_a_busy_model_does_not_keep_another_from_its_turn() -> None:
    harness = Harness(concurrency=1, max_batch_rows=1)
    fakes = {"busy": HeldModel(), "other": HeldModel(held=False)}
    models = {name: model_of(fake, name) for name, fake in fakes.items()}
    order: list[str] = []
    first = await harness.held(models["busy"], fakes["busy"], [[1, 1]] * 40)
    requests = [harness.request(models["busy"], [[1, 1]] * 40) for _ in range(6)]
    await turns()
    other = harness.request(models["other"], [[1, 1]] * 40)
    for name, task in [*(("busy", request) for request in requests), ("other", other)]:
        task.add_done_callback(lambda _, name=name: order.append(name))
    await turns()
    fakes["busy"].release.set()
    await asyncio.gather(first, *requests, other)
    assert "other" in order[:3]


@given(
    requests=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), min_size=1, max_size=40),
    cap=st.integers(1, 64),
    concurrency=st.integers(1, 3),
)
@settings(max_examples=25, deadline=None)
def test_whatever_comes_together_is_answered_as_if_it_had_come_alone(
    requests: list[tuple[int, int]], cap: int, concurrency: int
) -> None:
    weights = np.array([[0.1], [-0.7]])

    async def run() -> None:
        harness = Harness(concurrency=concurrency, max_batch_rows=cap)
        model = model_of(lambda inputs: inputs @ weights)
        random = np.random.default_rng(len(requests))
        asked = []
        for rows, pause in requests:
            inputs = random.normal(size=(rows, 2))
            asked.append((inputs, harness.request(model, inputs)))
            await turns(pause)
        for inputs, request in asked:
            np.testing.assert_allclose(await request, inputs @ weights, rtol=0, atol=1e-12)
        assert harness.counters() == (0, 0, 0, 0)

    asyncio.run(run())


@scenario
async def test_rows_of_a_batch_are_compared_with_the_training_range_each_for_its_own_request() -> None:
    harness, fake = Harness(), HeldModel(held=False)
    model = model_of(fake)
    low, high = np.array(model.manifest.training.ranges).T
    tables = [np.random.default_rng(seed).uniform(low, 2 * high - low, (20 + seed, 2)) for seed in range(3)]
    requests = [FakeRequest() for _ in tables]
    await asyncio.gather(*(harness.request(model, rows, of) for rows, of in zip(tables, requests, strict=True)))
    assert max(fake.sizes) > max(map(len, tables))  # some were computed together
    for rows, request in zip(tables, requests, strict=True):
        expected = ((rows < low) | (rows > high)).any(1).tolist()
        assert 0 < sum(expected) < len(rows)
        assert request.outside is None or request.outside.tolist() == expected
    assert sum(request.outside is not None for request in requests) >= 2
