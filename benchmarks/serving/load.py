"""Closed-loop load by wrk: every connection sends its next request when it has its answer."""

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.serving.bodies import Body
from benchmarks.serving.processor_time import processor_seconds
from benchmarks.serving.servers import Server

MARK = "RESULT "
SCRIPT = """\
local file = assert(io.open({file}, "rb"))
wrk.method = "POST"
wrk.path = {path}
wrk.headers["Content-Type"] = {content_type}
wrk.body = file:read("*a")
file:close()

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{mark}{{"requests":%d,"microseconds":%d,"p50":%.0f,"p99":%.0f,'
      .. '"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
"""
FAILURES = {
    "status": "answers that were not 2xx",
    "connect": "connections that were refused",
    "read": "connections that broke before their answer",
    "write": "connections that broke before their request",
    "timeout": "answers that took more than ten seconds",
}


class LoadError(RuntimeError):
    """The load could not be made, or was not answered as it should be."""


@dataclass(frozen=True)
class Load:
    """Results of one run of wrk.

    Attributes:
        rate: requests answered a second.
        p50: median milliseconds to an answer.
        p99: milliseconds within which 99 of 100 answers came.
        load_cores: processor cores that wrk itself used.
        cpu_us: microseconds of processor time that the server spent on each request.
    """

    rate: float
    p50: float
    p99: float
    load_cores: float
    cpu_us: float

    def as_dict(self) -> dict[str, float]:
        """Rounded, for the results file."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


def find_wrk() -> str:
    """The path of wrk.

    Raises:
        SystemExit: there is none.
    """
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit("The load generator wrk is not in PATH; install it, e.g. apt install wrk.")
    return found


def write_script(folder: Path, body: Body) -> Path:
    """Write wrk's Lua script, and the body beside it, into the folder; returns the script."""
    content, script = folder / "body", folder / "post.lua"
    content.write_bytes(body.content)
    words = {"file": str(content), "path": body.path, "content_type": body.content_type}
    quoted = {name: json.dumps(word, ensure_ascii=False) for name, word in words.items()}
    script.write_text(SCRIPT.format(mark=MARK, **quoted), encoding="utf-8")
    return script


def run_wrk(script: Path, server: Server, connections: int, seconds: float, on_cores: Sequence[int]) -> Load:
    """Load a server for some seconds, whole ones as wrk counts them.

    Raises:
        LoadError: wrk failed, or an answer was not 2xx or did not come.
    """
    flags = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", str(script)]
    before, server_before = _children_seconds(), processor_seconds(server.process.pid)
    ended = subprocess.run(
        [find_wrk(), *flags, f"http://127.0.0.1:{server.port}/"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, on_cores),
    )
    if ended.returncode:
        raise LoadError(f"wrk failed: {ended.stderr.strip() or ended.stdout.strip()}")
    server_used = processor_seconds(server.process.pid) - server_before
    return parse(ended.stdout, _children_seconds() - before, server_used)


def parse(output: str, load_seconds: float = 0.0, server_seconds: float = 0.0) -> Load:
    """Read what the script's ``done`` printed.

    Args:
        output: all that wrk printed.
        load_seconds: processor seconds of wrk.
        server_seconds: processor seconds of the server meanwhile.

    Raises:
        LoadError: it printed nothing, or an answer was not 2xx or did not come.
    """
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    if not lines:
        raise LoadError(f"wrk printed no result: {output.strip() or 'nothing at all'}")
    seen = json.loads(lines[-1].removeprefix(MARK))
    failed = [f"{seen[name]} {what}" for name, what in FAILURES.items() if seen[name]]
    if failed or not seen["requests"]:
        raise LoadError(f"Of {seen['requests']} requests, wrk counted {', '.join(failed) or 'no answer'}.")
    seconds = seen["microseconds"] / 1e6
    return Load(
        rate=seen["requests"] / seconds,
        p50=seen["p50"] / 1e3,
        p99=seen["p99"] / 1e3,
        load_cores=load_seconds / seconds,
        cpu_us=server_seconds / seen["requests"] * 1e6,
    )


def _children_seconds() -> float:
    """Processor seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
