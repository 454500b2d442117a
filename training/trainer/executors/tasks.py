"""Runs tasks in an executor: results in order or as they complete, each of one thread and of the same versions."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from training.errors import InputError
from training.trainer.executors.local import LocalExecutor
from training.trainer.executors.processes import STARTS

T = TypeVar("T")

PACKAGES = ("nalu-serve", "torch")
"""Those whose versions decide what a task computes."""
_ONE_AT_A_TIME = threading.Lock()


def completed(
    executor: Executor, function: Callable[..., T], arguments: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[int, T]]:
    """The index and the result of each task, as they complete; the first error ends the iteration.

    Args:
        executor: from ``open_executor``.
        function: of a module, as workers find it by its name; it takes and returns what can be pickled.
        arguments: of each task.

    Raises:
        InputError: a task ends every worker that runs it, or a worker has other versions.
    """
    if isinstance(executor, LocalExecutor):
        for index, each in enumerate(arguments):
            yield index, executor.submit(function, *each).result()
        return
    index_of = {future: index for index, future in enumerate(_submit(executor, function, arguments))}
    for future in as_completed(index_of):
        yield index_of[future], _result(future, index_of[future], len(arguments))


def in_order(executor: Executor, function: Callable[..., T], arguments: Sequence[tuple[Any, ...]]) -> Iterator[T]:
    """The result of each task, in the order of the arguments; else as ``completed``."""
    if isinstance(executor, LocalExecutor):
        for _, result in completed(executor, function, arguments):
            yield result
        return
    for index, future in enumerate(_submit(executor, function, arguments)):
        yield _result(future, index, len(arguments))


def _submit(
    executor: Executor, function: Callable[..., T], arguments: Sequence[tuple[Any, ...]]
) -> Sequence[Future[T]]:
    expected = versions()
    return [executor.submit(on_worker, expected, function, *each) for each in arguments]


def _result(future: Future[T], index: int, count: int) -> T:
    try:
        return future.result()
    except BrokenExecutor as error:
        raise InputError(
            f"Task {index + 1} of {count} ended {STARTS} workers one after the other, as where memory is short; "
            "give them more, or see with --on local what it does."
        ) from error


def on_worker(expected: dict[str, str], function: Callable[..., T], *arguments: Any) -> T:
    """Run a task where it has arrived.

    A worker of several threads runs one task at a time all the same: they would share PyTorch's random numbers.

    Raises:
        InputError: packages here have other versions than expected.
    """
    if versions() != expected:
        raise InputError(
            f"The worker on {socket.gethostname()} has {_listed(versions())}, and {_listed(expected)} is asked for; "
            "install the same versions on both."
        )
    with _ONE_AT_A_TIME, one_thread():
        return function(*arguments)


def versions() -> dict[str, str]:
    """The versions of ``PACKAGES`` here, without the part that names a build, such as ``+cpu``."""
    return {package: _version(package) for package in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:  # a checkout on PYTHONPATH
        return "not installed"


def _listed(found: dict[str, str]) -> str:
    return " and ".join(f"{package} {number}" for package, number in found.items())


@contextmanager
def one_thread() -> Iterator[None]:
    """Within this context PyTorch computes in one thread, so that sums have the same order on every machine."""
    torch = sys.modules.get("torch")  # a function that uses it has been imported, and PyTorch with it
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
