"""A cluster of two workers on this machine, one of which can be killed."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Cluster:
    """Two workers.

    Args:
        on: the value of ``--on``.
        environment: variables of the command that uses it.
        cpu_seconds: of the first worker so far.
        kill: ends it by SIGKILL, which it cannot notice.
    """

    on: str
    environment: dict[str, str]
    cpu_seconds: Callable[[], float]
    kill: Callable[[], None]


@contextmanager
def dask(python: Path, port: int) -> Iterator[Cluster]:
    """A Dask scheduler and two workers of one process each."""
    address = f"tcp://{HOST}:{port}"
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dask-"))

        def start(program: str, *options: str) -> psutil.Process:
            command = [str(python), "-m", "distributed.cli.dask_" + program, *options, "--no-dashboard"]
            process = stack.enter_context(_process(command, Path(folder)))
            return psutil.Process(process.pid)

        start("scheduler", "--host", HOST, "--port", str(port))
        options = ("--nthreads", "1", "--no-nanny", "--local-directory", folder)
        first, _ = (start("worker", address, *options) for _ in range(2))
        yield Cluster(address, {}, lambda: _cpu_seconds(first), first.kill)


@contextmanager
def ray(python: Path, port: int) -> Iterator[Cluster]:
    """A Ray cluster of two nodes with one core each; the one that is killed is not the head."""
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:  # short: sockets
        command = [str(python), "-m", "benchmarks.training_cluster.ray_nodes", str(port)]
        with _process(command, Path(folder), subprocess.PIPE, subprocess.PIPE) as program:
            assert program.stdin is not None
            assert program.stdout is not None
            printed = next((line for line in program.stdout if line.startswith(b"{")), None)
            if printed is None:
                raise SystemExit((Path(folder) / "log.txt").read_text(errors="replace"))
            found = json.loads(printed)
            node = psutil.Process(found["raylet"])

            def cpu_seconds() -> float:
                return sum(_cpu_seconds(child) for child in node.children(recursive=True))

            def kill() -> None:
                for process in [*node.children(recursive=True), node]:
                    process.kill()

            try:
                yield Cluster("ray", {"RAY_ADDRESS": found["address"]}, cpu_seconds, kill)
            finally:
                program.stdin.close()  # it stops its nodes, and ends
                program.wait(60)


@contextmanager
def _process(
    command: list[str], folder: Path, stdin: int | None = None, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the context; its log is in a file."""
    with (folder / "log.txt").open("ab") as log:
        variables = environment() | {"RAY_TMPDIR": str(folder), "RAY_raylet_start_wait_time_s": "300"}
        process = subprocess.Popen(command, env=variables, stdin=stdin, stdout=stdout or log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def environment() -> dict[str, str]:
    """Of every process: the modules of this checkout, and one thread of PyTorch."""
    return os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.NoSuchProcess:
        return 0.0
