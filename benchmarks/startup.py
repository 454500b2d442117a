"""python -m benchmarks.startup: seconds from the start of the service to its first answer, and memory after it.

Starts ``python -m app`` on the default models several times, asks it for one prediction as soon as it answers, and
prints the median.
"""

import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROUNDS = 9
BODY = json.dumps({"model": "add", "inputs": [[3, 4]]}).encode()


def first_answer() -> tuple[float, float]:
    """Start the service; returns seconds to the first prediction, and resident megabytes then."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "--port", str(port)],
        env={**os.environ, "NALU_LOG_LEVEL": "error", "NALU_SHUTDOWN_GRACE_SECONDS": "0"},
    )
    try:
        while not _predicted(port):
            if process.poll() is not None:
                raise SystemExit("The service stopped; see above.")
            time.sleep(0.005)
        seconds = time.perf_counter() - started
        while not _all_ready(port):
            time.sleep(0.005)
        return seconds, resident_megabytes(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def resident_megabytes(pid: int) -> float:
    """Memory that a process holds, as Linux counts it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _predicted(port: int) -> bool:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/predict/arithmetic", BODY)
    try:
        with urllib.request.urlopen(request, timeout=1) as answer:
            return "predictions" in json.load(answer)
    except OSError:  # not listening yet, or still loading
        return False


def _all_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1) as answer:
            return bool(json.load(answer)["ready"])
    except urllib.error.URLError:
        return False


def main() -> None:
    """Measure and print."""
    first_answer()  # fills the disk's and Python's caches
    seconds, megabytes = zip(*(first_answer() for _ in range(ROUNDS)), strict=True)
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, {ROUNDS} rounds")
    print(f"first answer  median {statistics.median(seconds):.2f} s, slowest {max(seconds):.2f} s")
    print(f"memory        median {statistics.median(megabytes):.0f} MB, most {max(megabytes):.0f} MB")


if __name__ == "__main__":
    main()
