"""Starts the service as a user does, in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
HTTP = httpx.Client(verify=False, limits=httpx.Limits(max_keepalive_connections=0))
"""Makes requests on connections of their own, as ``httpx.get`` does, which reads all root certificates for each."""


@dataclass
class Server:
    """A running service."""

    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def stop(self) -> str:
        """Send SIGTERM, wait, and return the log."""
        self.process.send_signal(signal.SIGTERM)
        log, _ = self.process.communicate(timeout=30)
        return log


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(
    repository: Path = ROOT / "repository",
    *arguments: str,
    start: Sequence[str] = ("-m", "app"),
    below: Sequence[str] = (),
    **settings: str,
) -> Iterator[Server]:
    """Start ``python -m app`` on a free port, ``below`` another command if one is given, and wait until it is ready."""
    port = free_port()
    command = [*below, sys.executable, *start, "--repository", str(repository), "--port", str(port), *arguments]
    environment = {**os.environ, "NALU_SHUTDOWN_GRACE_SECONDS": "0.5", **settings}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        wait_until_ready(server)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its workers too: they would hold its output open
        process.communicate(timeout=30)


def wait_until_ready(server: Server, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise RuntimeError(f"The service stopped: {server.process.communicate()[0]}")
        try:
            if HTTP.get(f"{server.url}/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise TimeoutError("The service was not ready in time.")
