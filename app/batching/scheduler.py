"""Routes requests to batchers, one for each model and input shape, after admission control."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from time import perf_counter, thread_time
from typing import Any
from weakref import WeakKeyDictionary, finalize

from app.backends.tensors import Tensors
from app.batching.batch import BatchedRequest, OnResult
from app.batching.batcher import DynamicBatcher
from app.batching.limiter import ConcurrencyLimiter, QueueLimiter
from app.batching.reduced_first import ReducedFirst
from app.errors import UnavailableError
from app.observability.metrics import Metrics
from app.repository.load import LoadedModel
from app.settings import Settings

MAX_SHAPES = 64
"""Input shapes for which a model keeps idle batchers."""
_NONE: dict[tuple[Any, ...], DynamicBatcher] = {}
"""Batchers of a model that has computed nothing yet."""


class BatchScheduler:
    """Sends requests to the batchers, which share its threads, limits and metrics.

    Args:
        settings: the limits.
        concurrency: batches that run in threads at the same time, at least 1.
        metrics: what is observed.
        clock: counts the seconds that a thread works. The default leaves out its wait for Python's lock; where the
            work is done elsewhere, as on a GPU, the clock must count the wait.
    """

    def __init__(
        self, settings: Settings, concurrency: int, metrics: Metrics, clock: Callable[[], float] = thread_time
    ) -> None:
        self.queue_limiter = QueueLimiter(settings.max_queued_rows, settings.max_queued_pixels)
        self.limiter = ConcurrencyLimiter(concurrency, settings.max_concurrent_pixels)
        self.decode_slots = asyncio.Semaphore(concurrency)
        """Limits the images that are decoded in threads at the same time."""
        self.threads = ThreadPoolExecutor(concurrency, thread_name_prefix="predict")
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._batchers: dict[int, dict[tuple[Any, ...], DynamicBatcher]] = {}
        """By the id of a model, which is not kept, and by the shape of one input. A WeakKeyDictionary takes five times
        as long."""
        self._reduced_first: WeakKeyDictionary[LoadedModel, ReducedFirst] = WeakKeyDictionary()

    def reduced_first(self, model: LoadedModel) -> ReducedFirst:
        """Whether to decode the JPEGs for a model at a reduced size first."""
        return self._reduced_first.setdefault(model, ReducedFirst())

    def predict(self, model: LoadedModel, inputs: Tensors, request: BatchedRequest) -> Awaitable[Any]:
        """Compute rows, in one batch with other requests' rows where there are any.

        Args:
            model: what computes.
            inputs: ``(rows, ...)``, of the datatypes in the manifest.
            request: not computed if it is past its deadline or its client has gone.

        Returns:
            ``(rows, outputs)``, or other tensors as the manifest has them.

        Raises:
            UnavailableError: the queue is full, or the request is past its deadline.
            ClientDisconnect: the client has gone.
        """
        return self._batcher(model, inputs).predict(inputs, request)

    def submit(self, model: LoadedModel, inputs: Tensors, request: BatchedRequest, on_result: OnResult) -> None:
        """As ``predict``, but call a function with the outputs or the error."""
        batcher = self._batchers.get(id(model), _NONE).get(inputs.shape[1:])
        if batcher is None:
            batcher = self._batcher(model, inputs)
        batcher.submit(inputs, request, on_result)

    def _batcher(self, model: LoadedModel, inputs: Tensors) -> DynamicBatcher:
        shape = inputs.shape[1:]
        batchers = self._batchers.get(id(model))
        if batchers is None:
            batchers = self._batchers[id(model)] = {}
            finalize(model, self._batchers.pop, id(model), None).atexit = False
        batcher = batchers.get(shape)
        if batcher is None:
            if len(batchers) >= MAX_SHAPES:  # images may have any size
                for idle in [shape for shape, batcher in batchers.items() if batcher.idle]:
                    del batchers[idle]
            batcher = batchers[shape] = DynamicBatcher(
                model,
                shape,
                settings=self._settings,
                queue_limiter=self.queue_limiter,
                limiter=self.limiter,
                threads=self.threads,
                clock=self._clock,
                metrics=self._metrics,
            )
        return batcher

    def check_queue_delay(self, model: LoadedModel) -> None:
        """Reject a request that would wait too long, before anything is spent on it.

        The policy: no new request is accepted while the oldest one in the model's queues has waited longer than the
        setting allows, and also longer than two batches take. A model may well need more than the limit for a single
        batch, of this shape or of one that it waits for.

        Raises:
            UnavailableError: the model's queue is delayed.
        """
        if not self.queue_limiter.rows:  # nothing waits
            return
        limit = self._settings.max_queue_delay_seconds
        delay = perf_counter() - self.oldest_arrival(model)
        if delay > limit and delay > 2 * max(batcher.latency.last for batcher in self._batchers[id(model)].values()):
            raise UnavailableError(
                f"Requests for model '{model.manifest.name}' have waited {delay:.1f} seconds in its queue, and "
                f"{limit:g} is the limit; try again later.",
                reason="overloaded",
            )

    def oldest_arrival(self, model: LoadedModel) -> float:
        """When the oldest request in a model's queues arrived, by ``perf_counter``; infinity where none waits."""
        oldest = inf
        for batcher in self._batchers.get(id(model), _NONE).values():  # min() of a generator costs twice as much
            if batcher.pending and batcher.pending[0].arrived < oldest:
                oldest = batcher.pending[0].arrived
        return oldest
