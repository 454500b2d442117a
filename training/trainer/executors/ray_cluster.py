"""A Ray cluster as an executor; Ray starts the tasks of a worker or node that is lost on another one."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from typing import Any, TypeVar

from training.errors import InputError
from training.trainer.executors.dask_cluster import CONNECT_SECONDS, not_installed
from training.trainer.executors.processes import STARTS
from training.trainer.executors.translated import translated

T = TypeVar("T")

ADDRESS = "127.0.0.1:6379"
"""Of the cluster's head where RAY_ADDRESS names none: the node that this process runs on."""
AUTO = "auto"
"""As RAY_ADDRESS, the cluster that Ray finds on this machine."""


class RayExecutor(Executor):
    """Submits to the cluster that ``ray.init`` has connected to, each task to a core of its own."""

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        import ray

        task = ray.remote(function).options(num_cpus=1, max_retries=STARTS - 1)
        return translated(task.remote(*args, **kwargs).future(), _translate)


def _translate(error: BaseException | None) -> BaseException:
    from ray.exceptions import RayError, RayTaskError

    if not isinstance(error, RayError):
        return error or InputError("The Ray cluster is gone, and with it the tasks that were not done; start it again.")
    if not isinstance(error, RayTaskError):
        return BrokenExecutor(str(error))
    cause = error.cause
    return not_installed(cause.name) if isinstance(cause, ModuleNotFoundError) else cause


@contextmanager
def ray_executor() -> Iterator[Executor]:
    """The executor of a cluster's nodes; at the end of the context, tasks that are not done are cancelled.

    Raises:
        InputError: Ray is not installed, or no cluster answers.
    """
    address = os.environ.get("RAY_ADDRESS") or ADDRESS
    try:
        import ray
    except ModuleNotFoundError as error:
        raise InputError("--on ray needs Ray: pip install 'nalu-serve[ray]', here and on every node.") from error
    handler = signal.getsignal(signal.SIGTERM)
    try:
        if address != AUTO:
            _check_reachable(address)
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(
            f"No Ray cluster answers at {address} ({error}); start one with ray start --head, or set RAY_ADDRESS."
        ) from error
    try:
        signal.signal(signal.SIGTERM, handler)  # Ray's own ends without cleaning up
        if ray.cluster_resources().get("CPU", 0) < 1:
            print(f"No node of {address} has a core; tasks wait for one: ray start --address ...", file=sys.stderr)
        yield RayExecutor()
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise an OSError or a ValueError within ten seconds; Ray itself takes minutes.

    Args:
        address: ``HOST:PORT``, or ``ray://HOST:PORT`` for Ray Client.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
