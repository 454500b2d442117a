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

from app.batching.batch import BATCH_PIXELS, Batch, Deliver, Item, Result
from app.batching.latency import Pace
from app.errors import UnavailableError
from app.http.context import Call
from app.repository.load import Model

if TYPE_CHECKING:
    from app.batching.scheduler import Batching

IN_LINE_SECONDS = 0.002
"""Longest time that a batch may hold the event loop; what takes longer goes to a thread."""
ONE_CORE_SECONDS = 0.005
"""The same where there is one core, and a thread would only take it from the event loop."""
AT_ONCE_SECONDS = 0.0001
"""Longest time that the first request of a turn may take; for longer ones, others of the turn are worth waiting for."""
GATHERING_SECONDS = 0.002
"""A turn that lasts longer, as under overload, is not waited for to its end."""
PATIENCE_SECONDS = 0.01
"""A request that waited longer than this is asked whether its client is still there before it is computed."""
TOO_LATE = "The request waited longer than it may; try again later."


class Queue:
    """Rows of one shape for one version of one model.

    Args:
        shared: threads, limits and counters.
        model: what computes. It is not kept: a model that is unloaded goes when its last batch has been computed.
        shape: of one row, or of one picture, ``(channels, height, width)``.
    """

    def __init__(self, shared: "Batching", model: Model, shape: tuple[int, ...]) -> None:
        labels = (model.manifest.name, str(model.manifest.version))
        self.pace = Pace()
        self._cap = shared.settings.max_batch_rows
        self._weight = 0
        """Pixels of a picture that is not resized."""
        image = model.manifest.image
        if image is not None:
            pixels = shape[-2] * shape[-1]
            self._cap = max(1, min(self._cap, BATCH_PIXELS // pixels))
            self._weight = 0 if image.resize else pixels
        self._in_line_seconds = IN_LINE_SECONDS if shared.concurrency > 1 else ONE_CORE_SECONDS
        self._shared = shared
        self._predict = model.predict
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Item] = []
        self._flying = 0
        self._called = False
        self._turn_taken = False
        self._queue_seconds = shared.metrics.observations("queue", *labels)
        self._compute_seconds = shared.metrics.observations("compute", *labels)
        self._batch_rows = shared.metrics.observations("rows", *labels)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is computed."""
        return not self._waiting and not self._flying

    def waited(self, now: float) -> float:
        """Seconds that its first request has waited."""
        return now - self._waiting[0].arrived if self._waiting else 0.0

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

    def submit(self, inputs: NDArray[Any], call: Call, deliver: Deliver) -> Item | None:
        """See ``Batching.submit``; returns what waits, if it does."""
        shared, rows = self._shared, len(inputs)
        call.rows += rows
        shared.admit(rows)
        if not self._turn_taken and not self._waiting and self.pace.seconds(rows) <= AT_ONCE_SECONDS:
            deliver(self._predict_now(inputs, call))
            return None
        item = Item(inputs, call, deliver)
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
        outputs = self._predict(inputs)
        ended = perf_counter()
        self._count(len(inputs), ended - started)
        self.pace.note(len(inputs), ended - started)
        call.trace("compute", started, ended)
        return outputs

    def _end_turn(self) -> None:
        self._turn_taken = False

    def _count(self, rows: int, seconds: float) -> None:
        self._compute_seconds.append(seconds)
        self._batch_rows.append(rows)

    def call_take_off(self) -> None:
        """Have the next batch computed soon."""
        if not self._called:
            self._called = True
            self._loop.call_soon(self.take_off)

    def take_off(self) -> None:
        """Compute the next batch, in line if it is quick, else in a thread if one is free."""
        self._called = False
        if self._must_wait():
            return
        batch = self._next_batch()
        if not batch.items:
            return
        if self.pace.seconds(batch.rows) <= self._in_line_seconds:
            batch.compute(self._predict, perf_counter)
            self._land(batch)
        else:
            self._send_to_thread(batch)
        if self._waiting:
            self.call_take_off()

    def _must_wait(self) -> bool:
        """Whether what waits is not quick, and there is no room for it."""
        room = self._shared.room
        if not (room.full or self._weight):
            return False
        rows = min(sum(item.rows for item in self._waiting), self._cap)
        if self.pace.seconds(rows) > self._in_line_seconds and not room.has(self, rows * self._weight):
            return True
        room.served(self)
        return False

    def _send_to_thread(self, batch: Batch) -> None:
        shared = self._shared
        shared.room.take(batch.rows * self._weight)
        self._flying += 1
        flight = self._loop.run_in_executor(shared.threads, batch.compute, self._predict, shared.clock)
        flight.add_done_callback(lambda _: self._land_from_thread(batch))

    def _next_batch(self) -> Batch:
        """Take waiting requests up to the size cap; those that nobody waits for any more are dropped."""
        items: list[Item] = []
        rows = taken = 0
        now, cap = perf_counter(), self._cap
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
        return Batch(items, rows)

    def _is_wanted(self, item: Item, now: float) -> bool:
        """Whether a request that waited long may still be computed, and somebody is there to hear of it."""
        if now - item.call.started > self._shared.settings.request_timeout_seconds:
            item.deliver(UnavailableError(TOO_LATE, reason="timeout"))
            return False
        if item.call.gone():
            item.deliver(ClientDisconnect())
            return False
        return True

    def _land(self, batch: Batch) -> None:
        self._shared.rows -= batch.rows
        self._count(batch.rows, batch.seconds)
        self.pace.note(batch.rows, batch.busy)
        batch.deliver()

    def _land_from_thread(self, batch: Batch) -> None:
        self._flying -= 1
        self._shared.room.give_back(batch.rows * self._weight)
        self._land(batch)
