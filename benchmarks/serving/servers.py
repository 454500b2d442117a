"""Starts the servers that are compared, each on a free loopback port and held to its cores."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.serving.bodies import Body, arithmetic
from benchmarks.serving.processor_time import processes

UVICORN = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
APPS = {
    "echo": "benchmarks.serving.echo:app",
    "baseline": "benchmarks.serving.fastapi_baseline:app",
    "async baseline": "benchmarks.serving.fastapi_baseline:async_app",
}
"""What the service is compared with, for uvicorn."""
NAMES = ("service", *APPS)
ROOT = Path(__file__).parents[2]
OPEN_FILES = 16384
"""Open files that a server and its clients may have; a connection is one on each side."""


class StartError(SystemExit):
    """A server does not start; the message is one sentence."""


@dataclass(frozen=True)
class Server:
    """A server that answers.

    Attributes:
        name: for people.
        port: on loopback.
        process: that was started; it may have started others.
        is_peer: other software: if it fails, it is left out of what is measured.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    is_peer: bool = False


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cores() -> list[int]:
    """The processor cores that this process may use.

    Raises:
        SystemExit: it has one only, which the server and its clients cannot share.
    """
    found = sorted(os.sched_getaffinity(0))
    if len(found) < 2:
        raise SystemExit("This needs two processor cores, one for the server and one for its clients; here is one.")
    return found


def raise_file_limit() -> None:
    """Allow this process, and what it starts, as many open files as many connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def command(name: str, port: int, workers: int = 1) -> list[str]:
    """How a server is started; the service as a user starts it, the others with its uvicorn settings."""
    if name == "service":
        return [sys.executable, "-m", "app", "--port", str(port), "--workers", str(workers)]
    return [sys.executable, "-m", "uvicorn", APPS[name], "--port", str(port), *UVICORN]


@contextmanager
def serving(name: str, on_cores: Sequence[int], workers: int = 1, **settings: str) -> Iterator[Server]:
    """The service, or a server with its uvicorn settings, that runs and answers as long as the context lasts.

    Args:
        name: one of ``NAMES``.
        on_cores: the cores that it may use.
        workers: processes of the service.
        settings: environment variables that the service gets besides, such as ``NALU_REPOSITORY``.

    Raises:
        StartError: it stops, or does not answer within a minute.
    """
    with running(name, lambda port: command(name, port, workers), on_cores, **settings) as server:
        yield server


@contextmanager
def running(
    name: str, command: Callable[[int], list[str]], on_cores: Sequence[int], log: Path | None = None, **settings: str
) -> Iterator[Server]:
    """Any server, that runs and answers as long as the context lasts.

    Args:
        name: of the server, for messages.
        command: that starts it on a port.
        on_cores: the cores that it may use.
        log: takes what it prints; else that goes where this prints.
        settings: environment variables that it gets besides.

    Raises:
        StartError: it stops, or does not answer within a minute.
    """
    port = free_port()
    environment = {**os.environ, "NALU_SHUTDOWN_GRACE_SECONDS": "0", "NALU_LOG_LEVEL": "warning", **settings}
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else None
        process = subprocess.Popen(
            command(port),
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            preexec_fn=lambda: os.sched_setaffinity(0, on_cores),  # workers and threads inherit it
        )
        stack.callback(stop, process)
        server = Server(name, port, process)
        wait_until_answering(server)
        yield server


def wait_until_answering(server: Server, seconds: float = 60) -> None:
    """Return once the server answers a prediction with 200."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise StartError(f"The {server.name} stopped at its start.")
        try:
            if ask(server.port, arithmetic([[3, 4]]), timeout=2)[0] == 200:
                return
        except (OSError, HTTPException):  # not listening yet, or too busy
            pass
        time.sleep(0.02)
    raise StartError(f"The {server.name} did not answer within {seconds:.0f} seconds.")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server, by force after half a minute, and what it started and leaves behind."""
    started = processes(process.pid)
    process.send_signal(signal.SIGTERM)
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
    finally:
        process.kill()
        for pid in started[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait()


def ask(port: int, body: Body, timeout: float = 30) -> tuple[int, bytes]:
    """Post one body; returns status and answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", body.path, body.content, {"Content-Type": body.content_type})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
