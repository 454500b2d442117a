"""The way to the models: what all queues share, and what is refused before it waits."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter, thread_time
from typing import Any

from numpy.typing import NDArray

from app.batching.batch import OnResult
from app.batching.batcher import DynamicBatcher
from app.batching.limiter import ConcurrencyLimiter
from app.errors import UnavailableError
from app.http.context import RequestContext
from app.observability.metrics import Metrics
from app.repository.load import Model
from app.settings import Settings

MAX_SHAPES = 64
"""Shapes of inputs for which a model keeps idle queues."""


class BatchScheduler:
    """What the queues of all models share: threads, limits and counters.

    Args:
        settings: the limits.
        concurrency: batches that run in threads at the same time, at least 1.
        metrics: what is counted.
        clock: counts the seconds that a thread works. The default leaves out what it waits for Python's lock; where
            the work is done elsewhere, as on a GPU, it must count the wait.
    """

    def __init__(
        self, settings: Settings, concurrency: int, metrics: Metrics, clock: Callable[[], float] = thread_time
    ) -> None:
        self.settings = settings
        self.concurrency = concurrency
        self.metrics = metrics
        self.clock = clock
        self.decoding = asyncio.Semaphore(concurrency)
        """Pictures that are decoded at the same time."""
        self.threads = ThreadPoolExecutor(concurrency, thread_name_prefix="predict")
        self.rows = 0
        """Rows and pictures that are computed or wait for it."""
        self.pixels = 0
        """Pixels of pictures that are computed or wait for it."""
        self.limiter = ConcurrencyLimiter(concurrency, settings.max_concurrent_pixels)

    def predict(self, model: Model, inputs: NDArray[Any], context: RequestContext) -> Awaitable[NDArray[Any]]:
        """Let a model compute rows, together with other requests' rows where there are any.

        Args:
            model: what computes.
            inputs: ``(rows, ...)``, typed as the manifest says.
            context: the request; it is not computed if its client has gone or its time is over.

        Returns:
            ``(rows, outputs)``.

        Raises:
            UnavailableError: the queue is full, or the request waited too long.
            ClientDisconnect: the client has gone.
        """
        return self._queue(model, inputs).predict(inputs, context)

    def submit(self, model: Model, inputs: NDArray[Any], context: RequestContext, on_result: OnResult) -> None:
        """As ``predict``, but hand the outputs, or what went wrong, to a function."""
        self._queue(model, inputs).submit(inputs, context, on_result)

    def _queue(self, model: Model, inputs: NDArray[Any]) -> DynamicBatcher:
        shape = inputs.shape[1:]
        queue: DynamicBatcher | None = model.queues.get(shape)
        if queue is None:
            if len(model.queues) >= MAX_SHAPES:  # pictures may have any size
                model.queues = {shape: queue for shape, queue in model.queues.items() if not queue.idle}
            queue = model.queues[shape] = DynamicBatcher(self, model, shape)
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

    def check_queue_delay(self, model: Model) -> None:
        """Refuse what would have to wait too long, before anything is spent on it.

        Raises:
            UnavailableError: requests for the model have waited too long already.
        """
        limit = self.settings.max_backlog_seconds
        for queue in model.queues.values():
            waited = queue.oldest_wait(perf_counter())
            if waited > limit and waited > 2 * max(other.latency.last for other in model.queues.values()):
                # a model may well take longer than the limit for one batch, of this shape or of one that it waits for
                raise UnavailableError(
                    f"Requests for model '{model.manifest.name}' wait for {waited:.1f} seconds, and {limit:g} is the "
                    f"limit; try again later.",
                    reason="overloaded",
                )

    @contextmanager
    def reserve_pixels(self, pixels: int) -> Iterator[None]:
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
