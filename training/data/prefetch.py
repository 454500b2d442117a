"""Work done ahead in threads, its results taken in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

THREADS = min(8, os.cpu_count() or 1)

T = TypeVar("T")
R = TypeVar("R")


def prefetch_map(function: Callable[[T], R], items: Iterable[T], *, waiting: int = 4 * THREADS) -> Iterator[R]:
    """``map(function, items)``, of which the next few results are being worked at while one is used.

    Args:
        function: what threads may call, such as the decoding of images, which leaves Python's lock alone.
        items: taken one by one, here and not in the threads.
        waiting: most results that are kept.
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
