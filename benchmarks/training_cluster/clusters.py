"""A cluster of two workers on this machine, one of which can be killed."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

HOST = "127.0.0.1"
LOG = "log.txt"
START_SECONDS = 300
RAY_NODE = ("--num-cpus", "1", "--object-store-memory", "100000000", "--disable-usage-stats")
RAY_PATIENCE = {
    "raylet_start_wait_time_s": START_SECONDS,
    "agent_register_timeout_ms": 1000 * START_SECONDS,
    "health_check_timeout_ms": 120_000,
}


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
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(temporary))  # of a short name, as sockets lie in it

        def start(*options: str) -> psutil.Process:
            command = [str(python), "-m", "ray.scripts.scripts", "start", *options, *RAY_NODE, "--block"]
            process = stack.enter_context(_process(command, folder))
            _wait(process, folder)
            return psutil.Process(process.pid)

        start("--head", "--port", str(port), "--include-dashboard", "false", "--temp-dir", str(folder))
        (folder / LOG).unlink()
        node = start("--address", f"{HOST}:{port}")

        def cpu_seconds() -> float:
            return sum(map(_cpu_seconds, _children(node)))

        def kill() -> None:
            for process in [node, *_children(node)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()

        yield Cluster("ray", {"RAY_ADDRESS": f"{HOST}:{port}"}, cpu_seconds, kill)


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until a node runs."""
    end = time.monotonic() + START_SECONDS
    while "block forever" not in (printed := (folder / LOG).read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"Ray does not start: {printed}")
        time.sleep(0.2)


@contextmanager
def _process(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the context; its log is in a file."""
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(command, env=environment(), stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def environment() -> dict[str, str]:
    """Of every process: the modules of this checkout, one thread of PyTorch, and Ray's patience on a busy machine."""
    own = {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    return os.environ | own | {f"RAY_{name}": str(value) for name, value in RAY_PATIENCE.items()}


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.NoSuchProcess:
        return 0.0
