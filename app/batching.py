"""Requests become batches: what arrives while a model is busy is computed together, and nothing ever waits for a timer.

An event loop works in turns: it reads what has come on all connections, then runs what that made ready. The first
request of a turn is computed at once, in line; a lone client therefore waits for nobody. What else the turn brought is
gathered and computed together in the next. Batches that take long, by what batches of their size took before, go to a
thread, and whatever arrives meanwhile is the next batch.
"""

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import accumulate
from math import inf
from time import perf_counter, thread_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import ClientDisconnect

from app.call import Call
from app.errors import UnavailableError
from app.metrics import Metrics
from app.repository import Model
from app.settings import Settings

IN_LINE_SECONDS = 0.002
"""Longest time that a batch may hold the event loop; what takes longer goes to a thread."""
AT_ONCE_SECONDS = 0.0001
"""Longest time that the first request of a turn may take; for longer ones, others of the turn are worth waiting for."""
GATHERING_SECONDS = 0.002
"""A turn that lasts longer, as under overload, is not waited for to its end."""
TOO_LATE = "The request waited longer than it may; try again later."
PATIENCE_SECONDS = 0.01
"""A request that waited longer than this is asked whether its client is still there before it is computed."""


MAX_SHAPES = 64
"""Shapes of inputs for which a model keeps idle queues."""

Result = NDArray[Any] | Exception
Deliver = Callable[[Result], None]


class Batching:
    """What the queues of all models share: threads, limits and counters.

    Args:
        settings: the limits.
        concurrency: batches that run in threads at the same time, at least 1.
        metrics: what is counted.
    """

    def __init__(self, settings: Settings, concurrency: int, metrics: Metrics) -> None:
        self.settings = settings
        self.concurrency = concurrency
        self.metrics = metrics
        self.decoding = asyncio.Semaphore(concurrency)
        """Pictures that are decoded at the same time."""
        self.threads = ThreadPoolExecutor(concurrency, thread_name_prefix="predict")
        self.rows = 0
        """Rows and pictures that are computed or wait for it."""
        self.pixels = 0
        """Pixels of pictures that are computed or wait for it."""
        self.running = 0
        """Batches in threads."""
        self.starved: dict[Queue, None] = {}
        """Queues that wait for a thread, in their order."""

    def predict(self, model: Model, inputs: NDArray[Any], call: Call) -> Awaitable[NDArray[Any]]:
        """Let a model compute rows, together with other requests' rows where there are any.

        Args:
            model: what computes.
            inputs: ``(rows, ...)``, typed as the manifest says.
            call: the request; it is not computed if its client has gone or its time is over.

        Returns:
            ``(rows, outputs)``.

        Raises:
            UnavailableError: the queue is full, or the request waited too long.
            ClientDisconnect: the client has gone.
        """
        return self._queue(model, inputs).predict(inputs, call)

    def submit(self, model: Model, inputs: NDArray[Any], call: Call, deliver: Deliver) -> None:
        """As ``predict``, but hand the outputs, or what went wrong, to a function."""
        self._queue(model, inputs).submit(inputs, call, deliver)

    def _queue(self, model: Model, inputs: NDArray[Any]) -> "Queue":
        shape = inputs.shape[1:]
        queue: Queue | None = model.queues.get(shape)
        if queue is None:
            if len(model.queues) >= MAX_SHAPES:  # pictures may have any size
                model.queues = {shape: queue for shape, queue in model.queues.items() if not queue.idle}
            queue = model.queues[shape] = Queue(self, model)
        return queue

    def admit(self, rows: int = 1, pixels: int = 0) -> None:
        """Refuse what the queue cannot take. An empty queue takes any request that the other limits let pass.

        Raises:
            UnavailableError: the queue is full.
        """
        limits = self.settings
        if self.rows and self.rows + rows > limits.max_queued_rows:
            full = f"{self.rows} rows are computed or wait for it, and {limits.max_queued_rows} is the limit"
        elif pixels and self.pixels and self.pixels + pixels > limits.max_queued_pixels:
            full = f"{self.pixels} pixels are computed or wait for it, and {limits.max_queued_pixels} is the limit"
        else:
            return
        raise UnavailableError(f"{full}; try again later.", reason="queue_full")

    def check_backlog(self, model: Model) -> None:
        """Refuse what would have to wait too long, before anything is spent on it.

        Raises:
            UnavailableError: what waits already takes longer than the limit.
        """
        seconds = self.rows * model.row_seconds
        if seconds > self.settings.max_backlog_seconds:
            raise UnavailableError(
                f"{self.rows} rows wait, which will take {seconds:.1g} seconds, and "
                f"{self.settings.max_backlog_seconds:g} is the limit; try again later.",
                reason="overloaded",
            )

    @contextmanager
    def holding(self, pixels: int) -> Iterator[None]:
        """Count pixels of a request while it is decoded and computed.

        Raises:
            UnavailableError: the queue is full.
        """
        self.admit(0, pixels)
        self.pixels += pixels
        try:
            yield
        finally:
            self.pixels -= pixels


class _Item:
    """A request's rows on their way through a queue."""

    __slots__ = ("arrived", "call", "deliver", "inputs", "rows", "wanted")

    def __init__(self, inputs: NDArray[Any], call: Call, deliver: Deliver) -> None:
        self.inputs = inputs
        self.rows = len(inputs)
        self.call = call
        self.deliver = deliver
        self.arrived = perf_counter()
        self.wanted = True


class Queue:
    """Rows of one shape for one version of one model.

    Args:
        shared: threads, limits and counters.
        model: what computes.
    """

    def __init__(self, shared: Batching, model: Model) -> None:
        labels = (model.manifest.name, str(model.manifest.version))
        self._shared = shared
        self._model = weakref.proxy(model)  # a model that is unloaded is not to be kept by its own queues
        self._model_predict = model.predict
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Item] = []
        self._flying = 0
        self._called = False
        self._turn_taken = False
        self._busy: dict[int, float] = {}
        self._queue_seconds = shared.metrics.notes("queue", *labels)
        self._compute_seconds = shared.metrics.notes("compute", *labels)
        self._batch_rows = shared.metrics.notes("rows", *labels)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is computed."""
        return not self._waiting and not self._flying

    async def predict(self, inputs: NDArray[Any], call: Call) -> NDArray[Any]:
        """See ``Batching.predict``."""
        future: asyncio.Future[NDArray[Any]] = self._loop.create_future()

        def deliver(result: Result) -> None:
            if future.done():  # the request was cancelled
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        item = self.submit(inputs, call, deliver)
        try:
            return await future
        finally:
            if item is not None:
                item.wanted = False  # if the request was cancelled, nothing more is to be delivered

    def submit(self, inputs: NDArray[Any], call: Call, deliver: Deliver) -> _Item | None:
        """See ``Batching.submit``; returns what waits, if it does."""
        shared, rows = self._shared, len(inputs)
        call.rows += rows
        shared.admit(rows)
        if not self._turn_taken and not self._waiting and self._seconds(rows) <= AT_ONCE_SECONDS:
            deliver(self._predict_now(inputs, call))
            return None
        item = _Item(inputs, call, deliver)
        shared.rows += rows
        self._waiting.append(item)
        if not self._called:
            self._called = True
            self._loop.call_soon(self.take_off)
        elif item.arrived - self._waiting[0].arrived > GATHERING_SECONDS:
            self.take_off()
        return item

    def _predict_now(self, inputs: NDArray[Any], call: Call) -> NDArray[Any]:
        self._turn_taken = True
        self._loop.call_soon(self._end_turn)
        self._queue_seconds.append(0.0)
        started = perf_counter()
        outputs = self._model_predict(inputs)
        ended = perf_counter()
        self._count(len(inputs), ended - started, ended - started)
        call.trace("compute", started, ended)
        return outputs

    def _end_turn(self) -> None:
        self._turn_taken = False

    def _seconds(self, rows: int) -> float:
        """Seconds that so many rows will take, by what batches of their size, or the next smaller, took."""
        size = rows.bit_length()
        measured = size
        while measured and measured not in self._busy:
            measured -= 1
        return self._busy.get(measured, inf) * 2 ** (size - measured) if rows else 0.0

    def _count(self, rows: int, seconds: float, busy: float) -> None:
        if rows:  # what no rows take says nothing of others
            size = rows.bit_length()
            # one long run is the machine's doing; several are the model's
            self._busy[size] = min(busy, 2 * self._busy.get(size, busy))
            with suppress(ReferenceError):  # the model was unloaded meanwhile, and its last client has gone
                self._model.row_seconds = seconds / rows
        self._compute_seconds.append(seconds)
        self._batch_rows.append(rows)

    def _call_take_off(self) -> None:
        if not self._called:
            self._called = True
            self._loop.call_soon(self.take_off)

    def take_off(self) -> None:
        """Compute the next batch, in line if it is quick, else in a thread if one is free."""
        self._called = False
        shared = self._shared
        if shared.running >= shared.concurrency and self._seconds(self._next_rows()) > IN_LINE_SECONDS:
            shared.starved[self] = None
            return
        items, rows = self._next_items()
        if not items:
            return
        inputs = [item.inputs for item in items]
        if self._seconds(rows) <= IN_LINE_SECONDS:
            self._land(items, rows, *self._compute(inputs))
        else:
            shared.running += 1
            self._flying += 1
            flight = self._loop.run_in_executor(shared.threads, self._compute, inputs)
            flight.add_done_callback(lambda done: self._land_from_thread(items, rows, *done.result()))
        if self._waiting:
            self._call_take_off()

    def _next_rows(self) -> int:
        """Rows that would take off now."""
        return min(sum(item.rows for item in self._waiting), self._shared.settings.max_batch_rows)

    def _next_items(self) -> tuple[list[_Item], int]:
        """Take waiting requests up to the size cap, and count their rows; what nobody waits for any more is dropped."""
        items: list[_Item] = []
        rows = taken = 0
        now, cap = perf_counter(), self._shared.settings.max_batch_rows
        for item in self._waiting:
            if items and rows + item.rows > cap:
                break
            taken += 1
            waited = now - item.arrived
            if item.wanted and (waited < PATIENCE_SECONDS or self._is_wanted(item, now)):
                self._queue_seconds.append(waited)
                items.append(item)
                rows += item.rows
            else:
                self._shared.rows -= item.rows
        del self._waiting[:taken]
        return items, rows

    def _is_wanted(self, item: _Item, now: float) -> bool:
        """Whether a request that waited long may still be computed, and somebody is there to hear of it."""
        if now - item.call.started > self._shared.settings.request_timeout_seconds:
            item.deliver(UnavailableError(TOO_LATE, reason="timeout"))
            return False
        if item.call.gone():
            item.deliver(ClientDisconnect())
            return False
        return True

    def _compute(self, inputs: list[NDArray[Any]]) -> tuple[list[Result], float, float]:
        """Outputs for each request of a batch, and the seconds that took, by the clock and of this thread's work.

        A failure is its own request's alone. The thread's work does not count what it waited for other threads, so
        that a batch which had to wait in a thread is not taken for a slow one.
        """
        started, busy = perf_counter(), thread_time()
        try:
            outputs = self._model_predict(np.concatenate(inputs))
        except Exception:  # whatever a runtime raises
            results = [self._compute_alone(rows) for rows in inputs]
        else:
            ends = accumulate(map(len, inputs))
            results = [outputs[end - len(rows) : end] for rows, end in zip(inputs, ends, strict=True)]
        return results, perf_counter() - started, thread_time() - busy

    def _compute_alone(self, inputs: NDArray[Any]) -> Result:
        try:
            return self._model_predict(inputs)
        except Exception as error:
            return error

    def _land(self, items: list[_Item], rows: int, results: list[Result], seconds: float, busy: float) -> None:
        self._shared.rows -= rows
        self._count(rows, seconds, busy)
        now = perf_counter()
        for item, result in zip(items, results, strict=True):
            if item.wanted:
                item.call.trace("queue", item.arrived, now - seconds)
                item.call.trace("compute", now - seconds, now)
                item.deliver(result)

    def _land_from_thread(
        self, items: list[_Item], rows: int, results: list[Result], seconds: float, busy: float
    ) -> None:
        self._shared.running -= 1
        self._flying -= 1
        self._land(items, rows, results, seconds, busy)
        starved, self._shared.starved = self._shared.starved, {}
        for queue in starved:
            queue._call_take_off()
