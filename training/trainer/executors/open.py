"""Opens the executor that ``--on`` and ``--jobs`` name."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from training.errors import InputError
from training.trainer.executors.local import LocalExecutor
from training.trainer.executors.options import LOCAL, PROCESSES, RAY


@contextmanager
def open_executor(on: str | None = None, jobs: int | None = None) -> Iterator[Executor]:
    """An executor; where the context ends by an error or an interruption, so do the tasks that still run.

    Args:
        on: ``local``, ``processes``, ``tcp://HOST:PORT`` or ``tls://HOST:PORT`` of a Dask scheduler, or ``ray``. None:
            processes where there are several jobs, else local.
        jobs: of processes, how many tasks at the same time; None: 1, or one a core where processes are asked for.

    Raises:
        InputError: jobs without processes, a missing package, or a cluster that does not answer or has no worker.
    """
    on = on or (PROCESSES if (jobs or 1) > 1 else LOCAL)
    if jobs is not None and jobs > 1 and on != PROCESSES:
        raise InputError(f"--jobs {jobs} counts processes, and --on {on} starts none; leave one of them out.")
    if on == LOCAL:
        yield LocalExecutor()
    elif on == PROCESSES:
        from training.trainer.executors.processes import ProcessExecutor

        with ProcessExecutor(jobs or cores()) as processes:
            yield processes
    elif on == RAY:
        from training.trainer.executors.ray_cluster import ray_executor

        with ray_executor() as cluster:
            yield cluster
    else:
        from training.trainer.executors.dask_cluster import dask_executor

        with dask_executor(on) as cluster:
            yield cluster


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
