"""app.batching.scheduler with fake models, whose every computation the test can hold."""

import asyncio
import gc
import re
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from starlette.requests import ClientDisconnect

from app.batching.batcher import DEADLINE_EXCEEDED
from app.batching.scheduler import MAX_SHAPES, BatchScheduler
from app.errors import UnavailableError
from app.http.context import RequestContext
from app.observability.metrics import Metrics
from app.repository.load import Model
from app.repository.repository import Repository
from app.settings import Settings
from models.manifest import Manifest
from tests.app.factory import LIMIT_SECONDS, manifest_of
from tests.app.wire import HeldModel

Rows = list[list[float]]


class Asker:
    """What batching knows of a request."""

    def __init__(self) -> None:
        self.started = perf_counter()
        self.rows = 0
        self.left = False

    def is_disconnected(self) -> bool:
        return self.left

    def trace(self, name: str, started: float, ended: float) -> None:
        assert started <= ended


class Bench:
    """BatchScheduler with fakes around it."""

    def __init__(self, concurrency: int = 1, **limits: Any) -> None:
        self.metrics = Metrics(cast(Repository, SimpleNamespace(entries=list)))
        self.batching = BatchScheduler(Settings(repository=Path(), **limits), concurrency, self.metrics)

    def ask(
        self, model: Model, rows: Rows | NDArray[Any], asker: Asker | None = None
    ) -> "asyncio.Task[NDArray[np.float64]]":
        """A request in a task of its own, as each has one."""

        async def request() -> NDArray[np.float64]:
            inputs = np.array(rows, dtype=np.float64)
            return await self.batching.predict(model, inputs, cast(RequestContext, asker or Asker()))

        return asyncio.create_task(request())

    async def held(self, model: Model, fake: HeldModel, rows: Rows) -> "asyncio.Task[NDArray[np.float64]]":
        """A request whose computation has begun in a thread and is held there."""
        first = self.ask(model, rows)
        await until(fake.entered.is_set)
        return first

    def counters(self) -> tuple[int, int, int, int]:
        batching = self.batching
        return batching.rows, batching.pixels, batching.limiter.running, len(batching.limiter.waiters)


def model_of(predict: Callable[[Any], Any], name: str = "sum", version: int = 1) -> Model:
    return Model(Manifest.model_validate(manifest_of(name, version)), predict)


def scenario(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test's coroutine, within a limit of time."""

    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 4 * LIMIT_SECONDS))

    run.__name__ = test.__name__
    return run


async def until(holds: Callable[[], bool]) -> None:
    end = perf_counter() + LIMIT_SECONDS
    while not holds():
        assert perf_counter() < end, f"waited {LIMIT_SECONDS} s in vain"
        await asyncio.sleep(0.001)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def quick(bench: Bench, *models: Model, rows: int = 1) -> None:
    """Let batching learn that models are quick."""
    for model in models:
        for _ in range(3):
            await bench.ask(model, [[1, 1]] * rows)


async def outcome(request: Awaitable[NDArray[np.float64]]) -> Any:
    try:
        return (await request).tolist()
    except Exception as error:
        return error


@scenario
async def test_what_arrives_while_a_model_is_busy_is_one_batch() -> None:
    bench, fake = Bench(), HeldModel()
    model = model_of(fake)
    first = await bench.held(model, fake, [[1, 1]])
    others = [bench.ask(model, [[number, 0]] * 2) for number in range(5)]
    await turns()
    assert bench.counters() == (11, 0, 1, 1)
    fake.release.set()
    assert (await first).tolist() == [[2]]
    assert [(await other).tolist() for other in others] == [[[number]] * 2 for number in range(5)]
    assert fake.sizes == [1, 10]
    assert bench.counters() == (0, 0, 0, 0)


@scenario
async def test_a_lone_request_to_a_quick_model_is_computed_at_once_in_the_event_loop() -> None:
    bench, fake = Bench(), HeldModel(held=False)
    model = model_of(fake)
    await quick(bench, model)
    asker = Asker()
    request = bench.batching.predict(model, np.array([[3.0, 4.0]]), cast(RequestContext, asker))
    coroutine = cast(Coroutine[Any, Any, NDArray[np.float64]], request)
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)  # it ends before it has waited for anything at all: no timer, no thread, no turn
    assert done.value.value.tolist() == [[7]]
    assert fake.threads[-1] == threading.get_ident()
    assert asker.rows == 1


@scenario
async def test_requests_of_one_turn_to_a_quick_model_are_one_batch_after_the_first() -> None:
    bench, fake = Bench(), HeldModel(held=False)
    model = model_of(fake)
    await quick(bench, model)
    await quick(bench, model, rows=9)
    fake.batches.clear()
    requests = [bench.ask(model, [[number, 1]]) for number in range(10)]
    assert [(await request).tolist() for request in requests] == [[[number + 1]] for number in range(10)]
    assert fake.sizes in ([1, 9], [10])  # which of the two depends on how quick this machine finds the model


@scenario
async def test_models_and_versions_and_widths_never_share_a_batch() -> None:
    bench = Bench(concurrency=1)
    fakes = [HeldModel() for _ in range(3)]
    models = [model_of(fakes[0]), model_of(fakes[1], version=2), model_of(fakes[2], name="other")]
    first = await bench.held(models[0], fakes[0], [[1, 1]])
    requests = [bench.ask(model, [[width * 1.0] * width]) for _ in range(3) for model in models for width in (1, 2, 3)]
    await turns()
    for fake in fakes:
        fake.release.set()
    await first
    assert [(await request).item() for request in requests] == [1, 4, 9] * 9
    assert fakes[0].sizes[0] == 1
    for fake, begun in zip(fakes, (1, 0, 0), strict=True):
        assert sorted(batch.shape for batch in fake.batches[begun:]) == [(3, 1), (3, 2), (3, 3)]


@scenario
async def test_a_batch_holds_no_more_rows_than_its_cap_and_keeps_the_order() -> None:
    bench, fake = Bench(max_batch_rows=10), HeldModel()
    model = model_of(fake)
    first = await bench.held(model, fake, [[0, 0]])
    sizes = [4, 6, 1, 9, 1, 25, 3]
    requests = [bench.ask(model, [[size, 0]] * size) for size in sizes]
    await turns()
    fake.release.set()
    await first
    for size, request in zip(sizes, requests, strict=True):
        assert (await request).tolist() == [[size]] * size
    assert fake.sizes == [1, 10, 10, 1, 25, 3]  # one request alone may be larger: it is not cut


@scenario
async def test_a_request_that_fails_fails_alone() -> None:
    bench, fake = Bench(), HeldModel()
    model = model_of(fake)
    first = await bench.held(model, fake, [[1, 1]])
    requests = [bench.ask(model, [[number, 0], [1, 0]]) for number in (11, 12, 13, 14, 13)]
    await turns()
    fake.release.set()
    await first
    outcomes = [await outcome(request) for request in requests]
    assert outcomes[:2] + outcomes[3:4] == [[[11], [1]], [[12], [1]], [[14], [1]]]
    for failed in (outcomes[2], outcomes[4]):
        assert (type(failed), str(failed)) == (RuntimeError, "This model cannot stand 13.")
    assert bench.counters() == (0, 0, 0, 0)
    assert (await bench.ask(model, [[1, 1]])).tolist() == [[2]]


@scenario
async def test_a_request_that_fails_in_line_fails_alone() -> None:
    bench, fake = Bench(), HeldModel(held=False)
    model = model_of(fake)
    await quick(bench, model)
    requests = [bench.ask(model, [[number, 0]]) for number in (13, 1, 13, 2)]
    outcomes = [await outcome(request) for request in requests]
    assert [str(failed) for failed in outcomes[::2]] == ["This model cannot stand 13."] * 2
    assert outcomes[1::2] == [[[1]], [[2]]]
    assert bench.counters() == (0, 0, 0, 0)


@scenario
async def test_exactly_as_many_rows_as_may_wait_are_taken_and_one_more_is_refused_at_once() -> None:
    bench, fake = Bench(max_queued_rows=10), HeldModel()
    model = model_of(fake)
    first = await bench.held(model, fake, [[1, 1]] * 4)
    taken = bench.ask(model, [[2, 2]] * 6)
    await turns()
    refused = bench.ask(model, [[3, 3]])
    await turns()
    assert refused.done()
    error = refused.exception()
    assert isinstance(error, UnavailableError)
    assert error.detail == "10 rows are computed or wait for it, and 10 is the limit; try again later."
    assert error.headers == {"Retry-After": "1"}
    assert (error.status_code, error.reason) == (503, "queue_full")
    fake.release.set()
    assert (await first).tolist() == [[2]] * 4
    assert (await taken).tolist() == [[4]] * 6
    assert bench.counters() == (0, 0, 0, 0)
    assert (await bench.ask(model, [[3, 3]])).tolist() == [[6]]


@scenario
async def test_an_empty_queue_takes_a_request_that_is_larger_than_the_queue() -> None:
    bench, fake = Bench(max_queued_rows=10), HeldModel()
    model = model_of(fake)
    large = await bench.held(model, fake, [[1, 1]] * 50)
    refused = await outcome(bench.ask(model, [[1, 1]]))
    assert refused.detail == "50 rows are computed or wait for it, and 10 is the limit; try again later."
    fake.release.set()
    assert len(await large) == 50


@scenario
async def test_exactly_as_many_pixels_as_may_wait_are_taken_and_one_more_is_refused() -> None:
    batching = Bench(max_queued_pixels=100).batching
    with batching.reserve_pixels(60):
        with batching.reserve_pixels(40):
            with pytest.raises(UnavailableError) as refused, batching.reserve_pixels(1):
                pass
            assert refused.value.detail == (
                "100 pixels are computed or wait for it, and 100 is the limit; try again later."
            )
        assert batching.pixels == 60
    with batching.reserve_pixels(1000):  # nothing waits, so that it would never be taken otherwise
        assert batching.pixels == 1000
    assert batching.pixels == 0


@scenario
async def test_a_large_request_is_not_taken_to_cost_as_much_as_many_small_ones() -> None:
    bench, fake = Bench(max_backlog_seconds=0.5), HeldModel(held=False)

    def a_millisecond_each_batch(inputs: NDArray[Any]) -> NDArray[Any]:
        time.sleep(0.001)
        return fake(inputs)

    model = model_of(a_millisecond_each_batch)
    await bench.ask(model, [[1, 1]])
    fake.release.clear()
    large = bench.ask(model, [[1, 1]] * 10_000)
    await until(lambda: len(fake.batches) == 2)
    try:
        bench.batching.check_queue_delay(model)
    finally:
        fake.release.set()
        await large


@scenario
async def test_when_the_first_in_the_queue_has_waited_too_long_others_are_refused_until_it_is_computed() -> None:
    bench, fake = Bench(max_backlog_seconds=0.05), HeldModel()
    model = model_of(fake)
    first = await bench.held(model, fake, [[1, 1]])
    waiting = bench.ask(model, [[2, 2]])
    bench.batching.check_queue_delay(model)
    await asyncio.sleep(0.1)
    with pytest.raises(UnavailableError) as refused:
        bench.batching.check_queue_delay(model)
    assert re.fullmatch(
        r"Requests for model '\w+' wait for 0\.\d seconds, and 0\.05 is the limit; try again later\.",
        refused.value.detail,
    )
    assert refused.value.reason == "overloaded"
    fake.release.set()
    await first
    await waiting
    bench.batching.check_queue_delay(model)


@scenario
async def test_who_waits_for_a_long_batch_of_another_shape_keeps_nobody_out() -> None:
    bench, fake = Bench(max_backlog_seconds=0.05), HeldModel()
    model = model_of(fake)
    held = await bench.held(model, fake, [[1, 1]])
    waiting = bench.ask(model, [[2, 2, 2]])
    await asyncio.sleep(0.1)
    model.queues[2,].latency.last = 10.0  # as if it had taken as long before
    bench.batching.check_queue_delay(model)
    model.queues[2,].latency.last = 0.01
    with pytest.raises(UnavailableError, match=r"wait for 0\.\d seconds, and 0\.05 is the limit"):
        bench.batching.check_queue_delay(model)
    fake.release.set()
    await asyncio.gather(held, waiting)


@scenario
async def test_a_request_whose_time_is_over_before_its_turn_is_refused_and_not_computed() -> None:
    bench, fake = Bench(request_timeout_seconds=30), HeldModel()
    model = model_of(fake)
    first = await bench.held(model, fake, [[1, 1]])
    late = Asker()
    late.started -= 31
    requests = [bench.ask(model, [[2, 2]], late), bench.ask(model, [[3, 3]])]
    await asyncio.sleep(0.02)  # who waited less than 10 ms is not asked
    fake.release.set()
    await first
    refused, answered = [await outcome(request) for request in requests]
    assert isinstance(refused, UnavailableError)
    assert (refused.detail, refused.reason) == (DEADLINE_EXCEEDED, "timeout")
    assert DEADLINE_EXCEEDED == "The request waited longer than it may; try again later."
    assert answered == [[6]]
    assert fake.sizes == [1, 1]
    assert bench.counters() == (0, 0, 0, 0)


@scenario
async def test_a_client_that_has_gone_costs_no_computation() -> None:
    bench, fake = Bench(), HeldModel()
    model = model_of(fake)
    first = await bench.held(model, fake, [[1, 1]])
    asker = Asker()
    requests = [bench.ask(model, [[2, 2]] * 7, asker), bench.ask(model, [[3, 3]])]
    await turns()
    asker.left = True
    await asyncio.sleep(0.02)
    fake.release.set()
    await first
    assert isinstance(await outcome(requests[0]), ClientDisconnect)
    assert await outcome(requests[1]) == [[6]]
    assert fake.sizes == [1, 1]
    assert bench.counters() == (0, 0, 0, 0)


@scenario
async def test_a_batch_that_everybody_has_left_is_no_batch() -> None:
    bench, fake = Bench(), HeldModel()
    model = model_of(fake)
    first = await bench.held(model, fake, [[1, 1]])
    waiting = bench.ask(model, [[2, 2]] * 7)
    await turns()
    waiting.cancel()
    await turns()
    fake.release.set()
    await first
    await until(lambda: bench.batching.rows == 0)
    await turns()
    bench.metrics.flush()
    labels = {"model": "sum", "version": "1"}
    for name in ("nalu_batch_rows_count", "nalu_compute_seconds_count", "nalu_prediction_rows_total"):
        assert bench.metrics.registry.get_sample_value(name, labels) == 1, name


@scenario
async def test_cancelled_requests_leave_all_counters_at_zero_whether_they_waited_or_were_computed() -> None:
    bench, fake = Bench(), HeldModel()
    model, other = model_of(fake), model_of(HeldModel(held=False), "other")
    computed = await bench.held(model, fake, [[1, 1]] * 3)
    waiting = [bench.ask(model, [[2, 2]] * 2), bench.ask(other, [[2, 2]] * 2)]
    await turns()
    assert bench.counters() == (7, 0, 1, 2)
    for task in (computed, *waiting):
        task.cancel()
    await turns()
    fake.release.set()
    await until(lambda: bench.counters() == (0, 0, 0, 0))
    assert (await bench.ask(model, [[1, 1]])).tolist() == [[2]]
    assert fake.sizes == [3, 1]


@scenario
async def test_a_request_that_is_cancelled_just_before_its_batch_lands_harms_no_other_of_it() -> None:
    bench, fake = Bench(), HeldModel(held=False)
    model = model_of(fake)
    await quick(bench, model)
    await quick(bench, model, rows=4)
    requests = [bench.ask(model, [[number, 0]]) for number in range(4)]
    await asyncio.sleep(0)  # now all but the first wait for the next turn, in which they are computed in line
    requests[1].cancel()
    outcomes = [await outcome(request) for request in (requests[0], requests[2], requests[3])]
    assert outcomes == [[[0]], [[2]], [[3]]]
    with suppress(asyncio.CancelledError):
        await requests[1]
    assert bench.counters() == (0, 0, 0, 0)


@scenario
async def test_no_rows_at_all_are_answered_with_none() -> None:
    bench, fake = Bench(), HeldModel(held=False)
    model = model_of(fake)
    none = np.empty((0, 2))
    assert (await bench.ask(model, none)).shape == (0, 1)
    await quick(bench, model)
    assert [(await request).shape for request in (bench.ask(model, none), bench.ask(model, none))] == [(0, 1)] * 2
    assert bench.counters() == (0, 0, 0, 0)


@scenario
async def test_a_model_that_is_unloaded_while_it_computes_for_nobody_holds_up_no_other() -> None:
    bench, fake = Bench(), HeldModel()
    models = [model_of(fake)]
    first = await bench.held(models[0], fake, [[1, 1]])
    other = bench.ask(model_of(HeldModel(held=False), "other"), [[2, 2]])
    await turns()
    first.cancel()
    models.clear()
    await turns()
    del first
    gc.collect()
    fake.release.set()
    assert (await other).tolist() == [[4]]
    assert bench.counters() == (0, 0, 0, 0)


@scenario
async def test_the_event_loop_is_free_while_a_batch_is_computed() -> None:
    bench, fake = Bench(), HeldModel()
    first = await bench.held(model_of(fake), fake, [[1, 1]])
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
        end = time.thread_time() + 0.02  # which is what batching counts
        while time.thread_time() < end:
            pass
        return inputs.sum(1, keepdims=True)

    bench, model = Bench(), model_of(slow)
    for number in range(5):
        assert (await bench.ask(model, [[number, 0]])).tolist() == [[number]]
    assert threading.get_ident() not in threads


@scenario
async def test_no_more_batches_run_at_the_same_time_than_allowed_and_starved_models_get_their_turn() -> None:
    bench = Bench(concurrency=2)
    fakes = [HeldModel() for _ in range(4)]
    models = [model_of(fake, name=f"m{index}") for index, fake in enumerate(fakes)]
    requests = [bench.ask(model, [[index, 0]]) for index, model in enumerate(models)]
    await until(lambda: fakes[0].entered.is_set() and fakes[1].entered.is_set())
    await turns()
    assert bench.counters() == (4, 0, 2, 2)
    assert not fakes[2].entered.is_set()
    fakes[1].release.set()
    await until(fakes[2].entered.is_set)
    assert not fakes[3].entered.is_set()
    assert bench.batching.limiter.running == 2
    for fake in fakes:
        fake.release.set()
    assert [(await request).item() for request in requests] == [0, 1, 2, 3]
    assert bench.counters() == (0, 0, 0, 0)


@scenario
async def test_a_busy_model_does_not_keep_another_from_its_turn() -> None:
    bench = Bench(concurrency=1, max_batch_rows=1)
    fakes = {"busy": HeldModel(), "other": HeldModel(held=False)}
    models = {name: model_of(fake, name) for name, fake in fakes.items()}
    order: list[str] = []
    first = await bench.held(models["busy"], fakes["busy"], [[1, 1]] * 40)
    requests = [bench.ask(models["busy"], [[1, 1]] * 40) for _ in range(6)]
    await turns()
    other = bench.ask(models["other"], [[1, 1]] * 40)
    for name, task in [*(("busy", request) for request in requests), ("other", other)]:
        task.add_done_callback(lambda _, name=name: order.append(name))
    await turns()
    fakes["busy"].release.set()
    await asyncio.gather(first, *requests, other)
    assert "other" in order[:3]


@scenario
async def test_shapes_that_come_once_do_not_pile_up() -> None:
    bench, fake = Bench(), HeldModel(held=False)
    model = model_of(fake)
    for width in range(1, 4 * MAX_SHAPES):
        assert (await bench.ask(model, [[1.0] * width])).item() == width
        assert len(model.queues) <= MAX_SHAPES


@scenario
async def test_more_shapes_at_a_time_than_are_kept_are_all_answered() -> None:
    bench, fake = Bench(), HeldModel()
    model = model_of(fake)
    requests = [await bench.held(model, fake, [[1, 1]])]
    requests += [bench.ask(model, [[1.0] * width]) for width in range(1, 2 * MAX_SHAPES)]
    await turns()
    fake.release.set()
    assert [(await request).item() for request in requests] == [2, *range(1, 2 * MAX_SHAPES)]
    assert bench.counters() == (0, 0, 0, 0)
    await bench.ask(model, [[1.0] * 999])
    assert len(model.queues) == 1


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
        bench = Bench(concurrency=concurrency, max_batch_rows=cap)
        model = model_of(lambda inputs: inputs @ weights)
        random = np.random.default_rng(len(requests))
        asked = []
        for rows, pause in requests:
            inputs = random.normal(size=(rows, 2))
            asked.append((inputs, bench.ask(model, inputs)))
            await turns(pause)
        for inputs, request in asked:
            np.testing.assert_allclose(await request, inputs @ weights, rtol=0, atol=1e-12)
        assert bench.counters() == (0, 0, 0, 0)

    asyncio.run(run())
