"""A Dask cluster as an executor; Dask starts the tasks of a worker that is lost on another one."""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from typing import Any, TypeVar

from training.errors import InputError
from training.trainer.executors.translated import translated

T = TypeVar("T")

CONNECT_SECONDS = 10
WORKER_SECONDS = 60
"""How long to wait for the first worker."""
LOOK_SECONDS = 10
"""Between looks for the last worker to have left."""


class DaskExecutor(Executor):
    """Submits to a Dask client.

    Args:
        client: a connected ``distributed.Client``.
        address: of its scheduler.
    """

    def __init__(self, client: Any, address: str) -> None:
        self._inner = client.get_executor(pure=False)
        self._address = address

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return translated(self._inner.submit(function, *args, **kwargs), self._translate)

    def _translate(self, error: BaseException | None) -> BaseException:
        from distributed import KilledWorker

        if error is None:
            return InputError(
                f"The scheduler at {self._address} is gone, and with it the tasks that were not done; start it again."
            )
        if isinstance(error, KilledWorker):
            return BrokenExecutor(repr(error))
        missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
        return not_installed(missing.name) if isinstance(missing, ModuleNotFoundError) else error


def not_installed(module: str | None) -> InputError:
    """The error for a scheduler or worker that lacks a package."""
    return InputError(
        f"The cluster has no module '{module}'; install the same nalu-serve there, on the scheduler too, and for "
        "benchmarks start it in a checkout with PYTHONPATH=$PWD."
    )


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """The executor of a scheduler's workers; at the end of the context, tasks that are not done are cancelled.

    Raises:
        InputError: Dask is not installed, the scheduler does not answer, or no worker comes.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise InputError(f"--on {address} needs Dask: pip install 'nalu-serve[cluster]', here and there.") from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:  # the last two: a certificate is missing, or unusable
        raise InputError(f"No Dask scheduler answers at {address} ({error}); start one with dask scheduler.") from error
    left = threading.Event()
    try:
        _wait_for_workers(client, address)
        threading.Thread(target=_watch, args=(client, address, left), daemon=True).start()
        yield DaskExecutor(client, address)
    finally:
        left.set()
        client.close()


def _wait_for_workers(client: Any, address: str) -> None:
    if _workers(client):
        return
    start = f"dask worker {address} --nthreads 1"
    print(f"No worker has joined {address}; waiting {WORKER_SECONDS} s for {start}", file=sys.stderr)
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError as error:
        raise InputError(f"No worker joined {address} within {WORKER_SECONDS} s; start one with {start}.") from error


def _watch(client: Any, address: str, left: threading.Event) -> None:
    """Report when no worker is left, and when one is there again; Dask itself waits in silence."""
    working = True
    while not left.wait(LOOK_SECONDS) and client.status == "running":
        before, working = working, _workers(client) > 0
        if before and not working:
            print(f"\nNo worker of {address} is left; tasks wait for one. Ctrl-C keeps what is done.", file=sys.stderr)
        elif working and not before:
            print(f"\nA worker has joined {address}; the tasks go on.", file=sys.stderr)


def _workers(client: Any) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])
