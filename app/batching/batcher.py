"""A model's queue: what arrives while the model is busy is one batch, and nothing ever waits for a timer.

An event loop works in turns: it reads what has come on all connections, then runs what that made ready. The first
request of a turn is computed at once, in line; a lone client therefore waits for nobody. What else the turn brought is
gathered and computed together in the next. Batches that take long, by what batches of their size took before, go to a
thread, and whatever arrives meanwhile is the next batch.
"""

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from starlette.requests import ClientDisconnect

from app.batching.batch import BATCH_PIXELS, Batch, OnResult, PendingRequest, Result
from app.batching.latency import LatencyEstimator
from app.errors import UnavailableError
from app.http.context import RequestContext
from app.repository.load import Model

if TYPE_CHECKING:
    from app.batching.scheduler import BatchScheduler

MAX_INLINE_SECONDS = 0.002
"""Longest time that a batch may hold the event loop; what takes longer goes to a thread."""
MAX_INLINE_SECONDS_ON_ONE_CORE = 0.005
"""The same where there is one core, and a thread would only take it from the event loop."""
IMMEDIATE_SECONDS = 0.0001
"""Longest time that the first request of a turn may take; for longer ones, others of the turn are worth waiting for."""
MAX_BATCH_DELAY_SECONDS = 0.002
"""A turn that lasts longer, as under overload, is not waited for to its end."""
DISCONNECT_CHECK_SECONDS = 0.01
"""A request that waited longer than this is asked whether its client is still there before it is computed."""
DEADLINE_EXCEEDED = "The request waited longer than it may; try again later."


class DynamicBatcher:
    """Rows of one shape for one version of one model.

    Args:
        scheduler: threads, limits and counters.
        model: what computes. It is not kept: a model that is unloaded goes when its last batch has been computed.
        shape: of one row, or of one picture, ``(channels, height, width)``.
    """

    def __init__(self, scheduler: "BatchScheduler", model: Model, shape: tuple[int, ...]) -> None:
        labels = (model.manifest.name, str(model.manifest.version))
        self.latency = LatencyEstimator()
        self._max_rows = scheduler.settings.max_batch_rows
        self._pixels_each = 0
        """Pixels of a picture that is not resized."""
        image = model.manifest.image
        if image is not None:
            pixels = shape[-2] * shape[-1]
            self._max_rows = max(1, min(self._max_rows, BATCH_PIXELS // pixels))
            self._pixels_each = 0 if image.resize else pixels
        self._max_inline_seconds = MAX_INLINE_SECONDS if scheduler.concurrency > 1 else MAX_INLINE_SECONDS_ON_ONE_CORE
        self._scheduler = scheduler
        self._predict = model.predict
        self._loop = asyncio.get_running_loop()
        self._pending: list[PendingRequest] = []
        self._in_flight = 0
        self._dispatch_scheduled = False
        self._computed_this_turn = False
        self._queue_seconds = scheduler.metrics.observations("queue", *labels)
        self._compute_seconds = scheduler.metrics.observations("compute", *labels)
        self._batch_rows = scheduler.metrics.observations("rows", *labels)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is computed."""
        return not self._pending and not self._in_flight

    def oldest_wait(self, now: float) -> float:
        """Seconds that its first request has waited."""
        return now - self._pending[0].arrived if self._pending else 0.0

    async def predict(self, inputs: NDArray[Any], context: RequestContext) -> NDArray[Any]:
        """See ``BatchScheduler.predict``."""
        future: asyncio.Future[NDArray[Any]] = self._loop.create_future()

        def on_result(result: Result) -> None:
            if future.done():  # the request was cancelled
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        item = self.submit(inputs, context, on_result)
        try:
            return await future
        finally:
            if item is not None:
                item.cancelled = True  # if the request was cancelled, nothing more is to be delivered

    def submit(self, inputs: NDArray[Any], context: RequestContext, on_result: OnResult) -> PendingRequest | None:
        """See ``BatchScheduler.submit``; returns what waits, if it does."""
        scheduler, rows = self._scheduler, len(inputs)
        context.rows += rows
        scheduler.admit(rows)
        if not self._computed_this_turn and not self._pending and self.latency.seconds(rows) <= IMMEDIATE_SECONDS:
            on_result(self._predict_now(inputs, context))
            return None
        item = PendingRequest(inputs, context, on_result)
        scheduler.rows += rows
        self._pending.append(item)
        if not self._dispatch_scheduled:
            self._dispatch_scheduled = True
            self._loop.call_soon(self.dispatch)
        elif item.arrived - self._pending[0].arrived > MAX_BATCH_DELAY_SECONDS:
            self.dispatch()
        return item

    def _predict_now(self, inputs: NDArray[Any], context: RequestContext) -> NDArray[Any]:
        self._computed_this_turn = True
        self._loop.call_soon(self._end_turn)
        self._queue_seconds.append(0.0)
        started = perf_counter()
        outputs = self._predict(inputs)
        ended = perf_counter()
        self._observe(len(inputs), ended - started)
        self.latency.record(len(inputs), ended - started)
        context.trace("compute", started, ended)
        return outputs

    def _end_turn(self) -> None:
        self._computed_this_turn = False

    def _observe(self, rows: int, seconds: float) -> None:
        self._compute_seconds.append(seconds)
        self._batch_rows.append(rows)

    def schedule_dispatch(self) -> None:
        """Have the next batch computed soon."""
        if not self._dispatch_scheduled:
            self._dispatch_scheduled = True
            self._loop.call_soon(self.dispatch)

    def dispatch(self) -> None:
        """Compute the next batch, in line if it is quick, else in a thread if one is free."""
        self._dispatch_scheduled = False
        if self._must_wait():
            return
        batch = self._next_batch()
        if not batch.items:
            return
        if self.latency.seconds(batch.rows) <= self._max_inline_seconds:
            batch.compute(self._predict, perf_counter)
            self._complete(batch)
        else:
            self._run_in_thread(batch)
        if self._pending:
            self.schedule_dispatch()

    def _must_wait(self) -> bool:
        """Whether what waits is not quick, and there is no capacity for it."""
        limiter = self._scheduler.limiter
        if not (limiter.full or self._pixels_each):
            return False
        rows = min(sum(item.rows for item in self._pending), self._max_rows)
        if self.latency.seconds(rows) > self._max_inline_seconds and not limiter.may_start(
            self, rows * self._pixels_each
        ):
            return True
        limiter.stop_waiting(self)
        return False

    def _run_in_thread(self, batch: Batch) -> None:
        scheduler = self._scheduler
        scheduler.limiter.acquire(batch.rows * self._pixels_each)
        self._in_flight += 1
        future = self._loop.run_in_executor(scheduler.threads, batch.compute, self._predict, scheduler.clock)
        future.add_done_callback(lambda _: self._complete_from_thread(batch))

    def _next_batch(self) -> Batch:
        """Take waiting requests up to the size cap; those that nobody waits for any more are dropped."""
        items: list[PendingRequest] = []
        rows = taken = 0
        now, cap = perf_counter(), self._max_rows
        for item in self._pending:
            if items and rows + item.rows > cap:
                break
            taken += 1
            waited = now - item.arrived
            if not item.cancelled and (waited < DISCONNECT_CHECK_SECONDS or self._is_wanted(item, now)):
                self._queue_seconds.append(waited)
                items.append(item)
                rows += item.rows
            else:
                self._scheduler.rows -= item.rows
        del self._pending[:taken]
        return Batch(items, rows)

    def _is_wanted(self, item: PendingRequest, now: float) -> bool:
        """Whether a request that waited long may still be computed, and somebody is there to hear of it."""
        if now - item.context.started > self._scheduler.settings.request_timeout_seconds:
            item.on_result(UnavailableError(DEADLINE_EXCEEDED, reason="timeout"))
            return False
        if item.context.is_disconnected():
            item.on_result(ClientDisconnect())
            return False
        return True

    def _complete(self, batch: Batch) -> None:
        self._scheduler.rows -= batch.rows
        self._observe(batch.rows, batch.seconds)
        self.latency.record(batch.rows, batch.busy_seconds)
        batch.send_results()

    def _complete_from_thread(self, batch: Batch) -> None:
        self._in_flight -= 1
        self._scheduler.limiter.release(batch.rows * self._pixels_each)
        self._complete(batch)
