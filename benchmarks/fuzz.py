"""python -m benchmarks.fuzz: thousands of generated requests, valid and invalid, to every operation of the service.

Starts ``python -m app`` on the default models, runs Schemathesis with all its checks against it, and stops it.
/openapi.json and schemathesis.toml determine the requests. Ends with Schemathesis' exit status: 0 if it found nothing.
Needs the extra ``fuzz``, which ``make fuzz`` installs apart, because it changes pytest.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / "schemathesis.toml"
START_SECONDS = 60
PARTS = ("--include-path-regex=^/v2/models", "--exclude-path-regex=^/v2/models")
"""What Schemathesis asks at the same time, each in a process of its own, as it takes more time than the service. With
threads of its own it fails now and then: Hypothesis has a cache that they share."""


@contextmanager
def service(**settings: str) -> Iterator[str]:
    """Runs the service on a free port of this machine, with settings of its environment; gives its address.

    Raises:
        SystemExit: it does not start, or has stopped by itself.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "--host", "127.0.0.1", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "NALU_LOG_LEVEL": "error", "NALU_SHUTDOWN_GRACE_SECONDS": "0", **settings},
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, address)
        yield address
        if process.poll() is not None:
            raise SystemExit("The service stopped while it was asked; see above.")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_until_ready(process: "subprocess.Popen[bytes]", address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _ready(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("The service did not start; see above.")
        time.sleep(0.05)


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=1):
            return True
    except OSError:  # not listening yet, or still loading
        return False


def command(address: str, part: str, examples: int, others: Sequence[str]) -> list[str]:
    """How Schemathesis is called."""
    return [
        str(Path(sys.executable).with_name("st")),
        f"--config-file={CONFIGURATION}",
        "run",
        f"{address}/openapi.json",
        part,
        "--checks=all",
        f"--max-examples={examples}",
        "--continue-on-failure",
        "--suppress-health-check=all",
        "--warnings=off",
        "--generation-database=none",
        *others,
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print what Schemathesis reports, and return the worst of its exit statuses."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description="Fuzz every operation.")
    parser.add_argument("--examples", type=int, default=2000, help="most requests of one operation in each phase")
    given, others = parser.parse_known_args(arguments)  # the others are Schemathesis' own
    print(f"Up to {given.examples} requests of each operation; 2000 take about ten minutes on two cores.", flush=True)
    started = time.monotonic()
    with service() as address, ThreadPoolExecutor() as threads:
        commands = [command(address, part, given.examples, others) for part in PARTS]
        statuses = list(threads.map(_run, commands))
    print(f"{time.monotonic() - started:.0f} seconds, exit statuses {statuses}")
    return max(map(abs, statuses))


def _run(arguments: list[str]) -> int:
    ended = subprocess.run(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(ended.stdout, flush=True)
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
