"""A batch scheduler with fakes around it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.batching.batcher import DynamicBatcher
from app.batching.limiter import LatencyEstimator
from app.batching.scheduler import BatchScheduler
from app.observability.metrics import Metrics
from app.repository.load import LoadedModel
from app.settings import Settings
from models.manifest import Manifest
from tests.app.factory import LIMIT_SECONDS, manifest_of
from tests.app.raw_http import HeldModel

Rows = list[list[float]]


class FakeRequest:
    """Obeys ``app.batching.batch.BatchedRequest``."""

    def __init__(self) -> None:
        self.started = perf_counter()
        self.rows = 0
        self.outside: NDArray[np.bool_] | None = None
        self.disconnected = False
        self.span = object()

    def is_disconnected(self) -> bool:
        return self.disconnected

    def trace(self, part: str, started: float, ended: float) -> None:
        assert started <= ended


class Harness:
    """A batch scheduler, its counters, and requests to it."""

    def __init__(self, concurrency: int = 1, clock: Callable[[], float] = thread_time, **limits: Any) -> None:
        self.metrics = Metrics(list)
        self.scheduler = BatchScheduler(Settings(repository=Path(), **limits), concurrency, self.metrics, clock)

    def request(
        self, model: LoadedModel, rows: Rows | NDArray[Any], request: FakeRequest | None = None
    ) -> "asyncio.Task[NDArray[np.float64]]":
        """A request in a task of its own, as each has one."""

        async def predict() -> NDArray[np.float64]:
            inputs = np.array(rows, dtype=np.float64)
            return await self.scheduler.predict(model, inputs, request or FakeRequest())

        return asyncio.create_task(predict())

    async def held(self, model: LoadedModel, fake: HeldModel, rows: Rows) -> "asyncio.Task[NDArray[np.float64]]":
        """A request whose computation has begun in a thread and is held there."""
        first = self.request(model, rows)
        await until(fake.entered.is_set)
        return first

    def batchers(self, model: LoadedModel) -> dict[tuple[int, ...], DynamicBatcher]:
        """The model's batchers by the shape of their rows."""
        return self.scheduler._batchers.get(id(model), {})

    def latency(self, model: LoadedModel) -> LatencyEstimator:
        """What a model's batches of two columns are expected to take."""
        return self.scheduler._batcher(model, np.empty((0, 2))).latency

    def quick(self, model: LoadedModel) -> None:
        """Let batches of up to 64 rows of two columns be expected to take no time."""
        for rows in (1, 2, 4, 8, 16, 32, 64):
            self.latency(model).record(rows, 0.0)

    def age(self, model: LoadedModel, seconds: float) -> None:
        """Let time pass for the requests in a model's queues."""
        for batcher in self.batchers(model).values():
            for pending in batcher.pending:
                pending.arrived -= seconds

    def counters(self) -> tuple[int, int, int, int]:
        """Rows and pixels that are queued or running, batches in threads, and batchers that wait for one."""
        queue, limiter = self.scheduler.queue_limiter, self.scheduler.limiter
        return queue.rows, queue.pixels, limiter.running, len(limiter.waiters)


def model_of(predict: Callable[[Any], Any], name: str = "sum", version: int = 1) -> LoadedModel:
    return LoadedModel(Manifest.model_validate(manifest_of(name, version)), predict)


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


async def outcome(request: Awaitable[NDArray[np.float64]]) -> Any:
    try:
        return (await request).tolist()
    except Exception as error:
        return error
