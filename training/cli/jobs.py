"""Several fits at the same time, each in a process of its own, that print one after the other."""

import contextlib
import io
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

Arguments = Sequence[tuple[Any, ...]]


def in_order(function: Callable[..., None], arguments: Arguments, jobs: int) -> None:
    """Call a function with each of the arguments; what the calls print comes in the order of the arguments.

    Results are those of one call after the other: processes share nothing, and each has its own random numbers. The
    first error ends all.

    Args:
        function: of a module, as processes find it by its name.
        arguments: of each call.
        jobs: processes at the same time, at most; 1: none but this one.
    """
    processes = min(jobs, len(arguments))
    if processes == 1:
        for each in arguments:
            function(*each)
        return
    with multiprocessing.get_context("spawn").Pool(processes, _prepare) as pool:
        for printed in pool.imap(partial(_printed, function), arguments):
            print(printed, end="", flush=True)
        pool.close()
        pool.join()


def _prepare() -> None:
    """Let a process clean up when the first one ends it, and draw no progress bar among those of others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the first process gets it too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ["TQDM_DISABLE"] = "1"


def _printed(function: Callable[..., None], arguments: tuple[Any, ...]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        function(*arguments)
    return printed.getvalue()
