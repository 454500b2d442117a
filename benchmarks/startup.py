"""python -m benchmarks.startup: seconds from the start of the service to its first answer, and memory after it.

Starts ``python -m app`` on the default models several times, asks it for one prediction as soon as it answers, and
prints the medians. In turns, a process imports FastAPI, ONNX Runtime, NumPy and Pillow and loads the same models, and
nothing else. Exits with 1 if the first answer takes more than ``LIMIT`` times as long. ``--write`` saves the results.
"""

import argparse
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
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

RESULTS = Path("docs/results/startup.md")
ROUNDS = 9
LIMIT = 1.2
REFERENCE = """
import os
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import fastapi, numpy, onnxruntime, PIL
from pathlib import Path
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
files = Path("repository").glob("*/*/*.onnx")
sessions = [onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]) for file in files]
print("loaded", flush=True)
input()
"""
"""What the service is compared with: as little as can be, with the same libraries and models."""
BODY = json.dumps({"model": "add", "inputs": [[3, 4]]}).encode()


class Start(NamedTuple):
    """Of the service.

    Attributes:
        seconds: to the first prediction.
        megabytes: resident, once all models are loaded.
        ready_seconds: until they are.
    """

    seconds: float
    megabytes: float
    ready_seconds: float


def reference_seconds() -> float:
    """Import the libraries and load the models, and nothing else."""
    started = time.perf_counter()
    command = [sys.executable, "-c", REFERENCE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != b"loaded\n":
            raise SystemExit("The reference stopped; see above.")
        seconds = time.perf_counter() - started
        process.communicate(b"\n")
    return seconds


def _environment() -> dict[str, str]:
    """Of this process; Python keeps the bytecode of what it imports, as in an installation."""
    environment = {**os.environ, "NALU_LOG_LEVEL": "error", "NALU_SHUTDOWN_GRACE_SECONDS": "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def first_answer() -> Start:
    """Start the service, and ask it for a prediction as soon as it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "--port", str(port)],
        env=_environment(),
    )
    try:
        while not _predicted(port):
            if process.poll() is not None:
                raise SystemExit("The service stopped; see above.")
            time.sleep(0.005)
        seconds = time.perf_counter() - started
        while not _all_ready(port):
            time.sleep(0.005)
        return Start(seconds, resident_megabytes(process.pid), time.perf_counter() - started)
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


def render(starts: Sequence[Start], references: Sequence[float]) -> str:
    """The page of results."""
    ratios = [start.seconds / reference for start, reference in zip(starts, references, strict=True)]
    ready = [start.ready_seconds / reference for start, reference in zip(starts, references, strict=True)]
    seconds, megabytes, _ = (statistics.median(each) for each in zip(*starts, strict=True))
    slowest, most, _ = (max(each) for each in zip(*starts, strict=True))
    return f"""# Start and memory

`{" ".join(["python -m benchmarks.startup", *sys.argv[1:]])}` measured this on {time.strftime("%Y-%m-%d")}: \
{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}; \
medians of {len(starts)} starts, \
in turns with a process that imports FastAPI, ONNX Runtime, NumPy and Pillow, loads the default models, and does no \
more.

| | Median | Most |
| --- | --- | --- |
| from the start of `python -m app` to its first prediction | {seconds:.2f} s | {slowest:.2f} s |
| the imports and models alone | {statistics.median(references):.2f} s | {max(references):.2f} s |
| first prediction / imports and models alone | {statistics.median(ratios):.2f} | {max(ratios):.2f} |
| all models verified and warmed / imports and models alone | {statistics.median(ready):.2f} | {max(ready):.2f} |
| resident memory with all models | {megabytes:.0f} MB | {most:.0f} MB |

The first prediction may come before all models are loaded. The onnx package is not imported for it. Models are loaded
one after the other: ONNX Runtime holds Python's lock while it makes a session, and two threads take as long for 42 of
them as one does.
""".replace("\\\n", "")


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}")
    options = parser.parse_args()
    reference_seconds()
    first_answer()  # fills the disk's and Python's caches
    pairs = [(reference_seconds(), first_answer()) for _ in range(ROUNDS)]
    references, starts = [reference for reference, _ in pairs], [start for _, start in pairs]
    text = render(starts, references)
    print(text)
    if options.write:
        RESULTS.write_text(text, encoding="utf-8")
    return int(statistics.median(start.seconds / reference for reference, start in pairs) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
