"""A future of another library as one whose errors are this project's."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def translated(future: Future[T], translate: Callable[[BaseException | None], BaseException]) -> Future[T]:
    """A future with the same result.

    Args:
        future: of a cluster.
        translate: from its error, None where it was cancelled.
    """
    own: Future[T] = Future()

    def copy(done: Future[T]) -> None:
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            own.set_exception(translate(error))
        else:
            own.set_result(done.result())

    future.add_done_callback(copy)
    return own
