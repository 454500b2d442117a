"""Dynamic batching: requests that arrive while a model is busy form its next batch, and none waits for a timer.

An event loop works in turns: it reads from all connections that have data, then runs what became ready. The first
request of a turn is computed immediately and inline, so that a lone client waits for no other, unless it would gain
from others that are to be expected. The rest of the turn is gathered and computed together in the next. A batch that
takes long, judged by earlier batches of its size, runs in a thread, and requests that arrive meanwhile form the next
one.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect

from app.backends.tensors import Tensors
from app.batching.batch import Batch, BatchedRequest, OnResult, PendingRequest, Result, batch_limits
from app.batching.limiter import ConcurrencyLimiter, LatencyEstimator, QueueLimiter
from app.errors import UnavailableError
from app.observability.extrapolation import bounds_of
from app.observability.metrics import Metrics
from app.repository.load import LoadedModel
from app.settings import Settings

IMMEDIATE_SECONDS = 0.0001
"""Longest request that is computed on arrival although the last turn had several; a longer one gains from a batch."""
MAX_BATCH_DELAY_SECONDS = 0.002
"""Longest time that a batch gathers requests within one turn of an overloaded event loop."""
DISCONNECT_CHECK_SECONDS = 0.01
"""Time in the queue from which on deadline and client are checked before a request is computed."""


class DynamicBatcher:
    """Queue and batches for one version of one model and one shape of its input.

    Args:
        model: its predictor is kept, it is not: an unloaded model is freed when its last batch has been computed.
        shape: of one row, or of one image, ``(channels, height, width)``; see ``Tensors`` for several inputs.
        settings: the size of a batch and the deadline.
        queue_limiter: counts the rows of all batchers.
        limiter: limits the batches in threads.
        threads: where slow batches run.
        clock: counts the seconds that a thread works.
        metrics: what is observed.
    """

    def __init__(
        self,
        model: LoadedModel,
        shape: tuple[Any, ...],
        *,
        settings: Settings,
        queue_limiter: QueueLimiter,
        limiter: ConcurrencyLimiter,
        threads: ThreadPoolExecutor,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self.latency = LatencyEstimator()
        self._max_rows, self._pixels_each = batch_limits(model, shape, settings)
        self._max_inline_seconds = limiter.max_inline_seconds
        self._timeout_seconds = settings.request_timeout_seconds
        self._queue_limiter = queue_limiter
        self._limiter = limiter
        self._threads = threads
        self._clock = clock
        self._predict = model.predict
        self._loop = asyncio.get_running_loop()
        self.pending: list[PendingRequest] = []
        """The queue, from its oldest request on."""
        self._in_flight = 0
        self._dispatch_scheduled = False
        self._computed_this_turn = False
        self._alone = False
        """Whether the last request that was queued, or computed at once, had its turn for itself."""
        labels = (model.manifest.name, str(model.manifest.version))
        self._queue_seconds = metrics.observations["queue", *labels]
        self._compute_seconds = metrics.observations["compute", *labels]
        self._batch_rows = metrics.observations["rows", *labels]
        self._inputs: list[Any] | None = None
        """Rows that may lie outside the training range, where there is one."""
        self._bounds: Any = None
        if model.manifest.task == "arithmetic" and model.manifest.training.ranges:
            self._inputs = metrics.inputs(*labels, tuple(model.manifest.training.ranges))
            self._bounds = bounds_of(model.manifest.training.ranges)

    @property
    def idle(self) -> bool:
        """Whether nothing is queued or in flight."""
        return not self.pending and not self._in_flight

    async def predict(self, inputs: Tensors, request: BatchedRequest) -> Any:
        """See ``BatchScheduler.predict``."""
        if self._admit(inputs, request):
            return self._predict_now(inputs, request)
        future: asyncio.Future[Any] = self._loop.create_future()

        def on_result(result: Result) -> None:
            if future.done():  # the request was cancelled
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        pending = self._enqueue(inputs, request, on_result)
        try:
            return await future
        finally:
            pending.cancelled = True  # either it has its result, or its task was cancelled

    def submit(self, inputs: Tensors, request: BatchedRequest, on_result: OnResult) -> None:
        """See ``BatchScheduler.submit``."""
        if self._admit(inputs, request):
            on_result(self._predict_now(inputs, request))
        else:
            self._enqueue(inputs, request, on_result)

    def _admit(self, inputs: Tensors, request: BatchedRequest) -> bool:
        """Accept a request, unless the queue is full; returns whether it is computed at once."""
        request.rows += (rows := len(inputs))
        self._queue_limiter.check(rows)
        if self._computed_this_turn or self.pending:
            return False
        longest = self._max_inline_seconds if self._alone else IMMEDIATE_SECONDS
        return self.latency.seconds(rows) <= longest

    def _enqueue(self, inputs: Tensors, request: BatchedRequest, on_result: OnResult) -> PendingRequest:
        self._alone = not (self._computed_this_turn or self.pending)
        pending = PendingRequest(inputs, request, on_result)
        self._queue_limiter.rows += pending.rows
        self.pending.append(pending)
        if not self._dispatch_scheduled:
            self._dispatch_scheduled = True
            self._loop.call_soon(self.dispatch)
        elif pending.arrived - self.pending[0].arrived > MAX_BATCH_DELAY_SECONDS:
            self.dispatch()
        return pending

    def _predict_now(self, inputs: Tensors, request: BatchedRequest) -> Result:
        self._computed_this_turn = True
        self._loop.call_soon(self._end_turn)
        self._queue_seconds.append(0.0)
        started = perf_counter()
        outputs = self._predict(inputs)
        ended = perf_counter()
        self._record(inputs, ended - started, ended - started)
        request.trace("compute", started, ended)
        return outputs

    def _end_turn(self) -> None:
        self._computed_this_turn = False

    def _record(self, inputs: Tensors, seconds: float, busy_seconds: float) -> None:
        rows = len(inputs)
        self._compute_seconds.append(seconds)
        self._batch_rows.append(rows)
        if self._inputs is not None:
            self._inputs.append(inputs)
        self.latency.record(rows, busy_seconds)

    def schedule_dispatch(self) -> None:
        """Dispatch in the event loop's next turn."""
        if not self._dispatch_scheduled:
            self._dispatch_scheduled = True
            self._loop.call_soon(self.dispatch)

    def dispatch(self) -> None:
        """Compute the next batch: inline if it is quick, else in a thread; without capacity for one, wait for it."""
        self._dispatch_scheduled = False
        limiter = self._limiter
        if self._pixels_each or limiter.full:
            rows = self._next_rows()
            pixels = rows * self._pixels_each
            if self.latency.seconds(rows) > self._max_inline_seconds and not limiter.can_start(self, pixels):
                limiter.wait(self, pixels)
                return
            limiter.stop_waiting(self)
        batch = self._take_batch()
        if not batch.requests:
            return
        if self.latency.seconds(batch.rows) <= self._max_inline_seconds:
            batch.compute(self._predict, perf_counter)
            self._complete(batch)
        else:
            self._run_in_thread(batch)
        if self.pending:
            self.schedule_dispatch()

    def _next_rows(self) -> int:
        """Upper bound of the next batch's rows: cancelled requests count too."""
        return min(sum(pending.rows for pending in self.pending), self._max_rows)

    def _take_batch(self) -> Batch:
        """Take requests from the queue up to the size of a batch; those that must not be computed get their error."""
        requests: list[PendingRequest] = []
        rejected: list[tuple[PendingRequest, Exception]] = []
        rows = taken = 0
        now = perf_counter()
        for pending in self.pending:
            if requests and rows + pending.rows > self._max_rows:
                break
            taken += 1
            waited = now - pending.arrived
            error = self._rejection(pending, now) if waited >= DISCONNECT_CHECK_SECONDS else None
            if error is None and not pending.cancelled:
                self._queue_seconds.append(waited)
                requests.append(pending)
                rows += pending.rows
            else:
                self._queue_limiter.rows -= pending.rows
                if error is not None:
                    rejected.append((pending, error))
        del self.pending[:taken]
        for pending, error in rejected:
            pending.on_result(error)
        return Batch(requests, rows, self._bounds)

    def _rejection(self, pending: PendingRequest, now: float) -> Exception | None:
        """The error of a request past its deadline or with a disconnected client; None if it may be computed."""
        if pending.cancelled:
            return None
        if now - pending.request.started > self._timeout_seconds:
            limit = f"{self._timeout_seconds:g} seconds, which is the limit"
            return UnavailableError(f"The request was not answered within {limit}; try again later.", reason="timeout")
        return ClientDisconnect() if pending.request.is_disconnected() else None

    def _run_in_thread(self, batch: Batch) -> None:
        self._limiter.acquire(batch.rows * self._pixels_each)
        self._in_flight += 1
        future = self._loop.run_in_executor(self._threads, batch.compute, self._predict, self._clock)
        future.add_done_callback(lambda _: self._complete_from_thread(batch))

    def _complete_from_thread(self, batch: Batch) -> None:
        self._in_flight -= 1
        self._limiter.release(batch.rows * self._pixels_each)
        self._complete(batch)

    def _complete(self, batch: Batch) -> None:
        self._queue_limiter.rows -= batch.rows
        self._record(batch.inputs, batch.seconds, batch.busy_seconds)
        batch.send_results()
