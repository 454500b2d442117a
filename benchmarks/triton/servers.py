"""Starts Triton and the service on a model repository, both polling it, on free ports of the loopback."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from benchmarks.serving.servers import ROOT, free_port, stop
from benchmarks.triton.environment import Installation

START_SECONDS = 180.0
POLL_SECONDS = 1
EXIT_SECONDS = 5
"""Triton waits so long for connections that its clients keep."""
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Running:
    """A server."""

    name: str
    http: int
    grpc: int
    pid: int

    def is_ready(self) -> bool:
        """What its probe answers."""
        try:
            with urlopen(f"http://{LOOPBACK}:{self.http}/v2/health/ready", timeout=10):
                return True
        except HTTPError:
            return False


@contextmanager
def triton(installation: Installation, repository: str, variables: Mapping[str, str], log: Path) -> Iterator[Running]:
    """NVIDIA's server on a folder or bucket; its log goes to a file."""
    http, grpc, metrics = (free_port() for _ in range(3))
    options = {
        "model-repository": repository,
        "model-control-mode": "poll",
        "repository-poll-secs": POLL_SECONDS,
        "backend-directory": installation.backends,
        "http-address": LOOPBACK,
        "http-port": http,
        "grpc-address": LOOPBACK,
        "grpc-port": grpc,
        "metrics-address": LOOPBACK,
        "metrics-port": metrics,
        "allow-gpu-metrics": "false",
        "exit-timeout-secs": EXIT_SECONDS,
    }
    command = [str(installation.program), *(f"--{name}={value}" for name, value in options.items())]
    with _started("Triton", command, {**installation.variables(), **variables}, log, (http, grpc)) as running:
        yield running


@contextmanager
def service(repository: Path, log: Path) -> Iterator[Running]:
    """The service on a folder."""
    http, grpc = free_port(), free_port()
    command = [sys.executable, "-m", "app", "--repository", str(repository), "--port", str(http)]
    settings = {
        "NALU_GRPC_PORT": str(grpc),
        "NALU_REPOSITORY_POLL_SECONDS": str(POLL_SECONDS),
        "NALU_SHUTDOWN_GRACE_SECONDS": "0",
    }
    with _started("The service", command, {**os.environ, **settings}, log, (http, grpc)) as running:
        yield running


@contextmanager
def _started(
    name: str, command: Sequence[str], variables: Mapping[str, str], log: Path, ports: tuple[int, int]
) -> Iterator[Running]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=dict(variables), stdout=output, stderr=output)
    running = Running(name, *ports, process.pid)
    try:
        seconds = seconds_until(lambda: process.poll() is not None or _answers(running), START_SECONDS)
        if seconds is None or process.poll() is not None:
            raise SystemExit(f"{name} did not become ready; its log: {log.read_text(encoding='utf-8')[-2000:]}")
        yield running
    finally:
        stop(process)


def _answers(running: Running) -> bool:
    try:
        return running.is_ready()
    except (URLError, OSError):  # not listening yet
        return False


def seconds_until(holds: Callable[[], bool], seconds: float) -> float | None:
    """Seconds until a condition holds; None where it does not within the time."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        if holds():
            return passed
        time.sleep(0.05)
    return None
