"""A map whose next results are computed ahead in threads."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

THREADS = min(8, os.cpu_count() or 1)

T = TypeVar("T")
R = TypeVar("R")


def prefetch_map(function: Callable[[T], R], items: Iterable[T], *, waiting: int = 4 * THREADS) -> Iterator[R]:
    """``map(function, items)``, its next few results computed in threads while one is used.

    Args:
        function: thread-safe; worthwhile where it releases Python's lock, as decoding an image does.
        items: taken one by one, in the calling thread.
        waiting: most results computed ahead.
    """
    futures: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(THREADS)
    try:
        for item in items:
            futures.append(pool.submit(function, item))
            if len(futures) > waiting:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
