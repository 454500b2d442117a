"""Processes of this machine as an executor that survives the death of any of them."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

STARTS = 4
"""How often a task is started whose process dies each time; Dask and Ray have the same number unless configured."""


class _Worker(NamedTuple):
    """A process: a pool of one, so that its death is that of one known task and touches no other."""

    pool: ProcessPoolExecutor
    pid: int


class ProcessExecutor(Executor):
    """Runs each task in a spawned process; processes are used again.

    Args:
        processes: at the same time, at most.
    """

    def __init__(self, processes: int) -> None:
        self._threads = ThreadPoolExecutor(processes, "task")
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._change = threading.Condition()
        self._closing = False

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return self._threads.submit(self._run, partial(function, *args, **kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As of any executor; tasks that run are ended, not waited for, where pending ones are cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=cancel_futures)
        if cancel_futures:
            self._end()
        self._threads.shutdown(wait)
        while self._idle:
            self._idle.pop().pool.shutdown(wait)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown(cancel_futures=error is not None)

    def _end(self) -> None:
        """End what runs; asks again each second, as a process that hands a result over at that moment goes on."""
        with self._change:
            self._closing = True
            while self._busy:
                for worker in self._busy:
                    with suppress(ProcessLookupError):
                        os.kill(worker.pid, signal.SIGTERM)
                self._change.wait_for(lambda: not self._busy, 1)

    def _run(self, task: Callable[[], T]) -> T:
        """Run a task in an idle process or a new one, again where the process dies."""
        for _ in range(STARTS):
            with suppress(BrokenProcessPool):
                worker = self._idle_or_new()
                with self._change:
                    if self._closing:
                        worker.pool.shutdown()
                        break
                    self._busy.add(worker)
                return self._result(worker, task)
        raise BrokenProcessPool(f"{STARTS} processes died of one task")

    def _result(self, worker: _Worker, task: Callable[[], T]) -> T:
        try:
            future = worker.pool.submit(task)
            broken = isinstance(future.exception(), BrokenProcessPool)
        finally:
            with self._change:
                self._busy.discard(worker)
                self._change.notify_all()
        if not broken:
            self._idle.append(worker)  # last, as whoever takes it from there is busy with it
        return future.result()

    def _idle_or_new(self) -> _Worker:
        try:
            return self._idle.pop()
        except IndexError:
            return _start()


def _start() -> _Worker:
    pool = ProcessPoolExecutor(1, get_context("spawn"), _prepare)
    return _Worker(pool, pool.submit(os.getpid).result())


def _prepare() -> None:
    """Let a process clean up when the first one ends it, and draw no progress bar among those of others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the first process gets it too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ["TQDM_DISABLE"] = "1"
