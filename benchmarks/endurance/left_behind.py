"""python -m benchmarks.endurance.left_behind: the memory that bodies made to hurt leave behind.

Each is sent once alone and then several at once, some of them by clients that leave halfway; then the service rests for
some seconds. Exits with 1 if more memory stays than the limit, or the service no longer answers rightly. ``--write``
saves the results.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.endurance.worst_bodies import small_requests, worst_requests
from benchmarks.serving.bodies import arithmetic
from benchmarks.serving.cells import heads, row
from benchmarks.serving.http_client import connect, exchange, post
from benchmarks.serving.servers import Server, cores, serving
from benchmarks.startup import resident_megabytes

RESULTS = Path("docs/results/memory.md")
AT_ONCE = 4
LEAVING = 2
"""Clients that send half of the body and leave, beside those."""
PATIENCE_SECONDS = 60.0
REST_SECONDS = 4.0
"""From the last response to the measurement: the service returns memory once it has nothing else to do."""
LIMIT_MEBIBYTES = 20.0


@dataclass
class Trial:
    """What one kind of body did.

    Attributes:
        statuses: of the responses; 0 is none.
        peak: most resident MiB.
        left: resident MiB more than before the first of all bodies, after a rest.
    """

    name: str
    statuses: Counter[int] = field(default_factory=Counter)
    peak: float = 0.0
    left: float = 0.0


async def send(port: int, content: bytes) -> int:
    """Send a request; returns the status of the response, 0 without one."""
    try:
        connection = await connect(port)
        answer = await exchange(connection, content, PATIENCE_SECONDS)
        connection.end()
    except OSError:
        return 0
    return answer.status if answer else 0


async def leave(port: int, content: bytes) -> None:
    """Send half of a request, and leave."""
    connection = await connect(port)
    assert connection.transport is not None
    connection.transport.write(content[: len(content) // 2])
    await asyncio.sleep(0.2)
    connection.end()


async def measure(server: Server, names: Sequence[str]) -> tuple[list[Trial], float]:
    """Send the bodies of these names; returns what they did, and the resident MiB before them."""
    port, pid = server.port, server.process.pid
    for _ in range(3):
        for content in small_requests():
            if (status := await send(port, content)) not in (200, 422):
                raise SystemExit(f"A usual request got {status}: {content[:300]!r}")
    await asyncio.sleep(REST_SECONDS)
    before, trials = resident_megabytes(pid), []
    bodies = worst_requests()
    for name in names:
        trial, content = Trial(name), await asyncio.to_thread(bodies[name])
        reset_peak(pid)
        trial.statuses[await send(port, content)] += 1
        leaving = [leave(port, content) for _ in range(LEAVING)]
        answers = await asyncio.gather(*(send(port, content) for _ in range(AT_ONCE)), *leaving)
        trial.statuses.update(answers[:AT_ONCE])  # type: ignore[arg-type]
        trial.peak = peak_megabytes(pid)
        del content
        await asyncio.sleep(REST_SECONDS)
        trial.left = resident_megabytes(pid) - before
        print(f"{name:50} {dict(trial.statuses)!s:30} peak {trial.peak:6.0f}  left {trial.left:6.1f}", flush=True)
        trials.append(trial)
    return trials, before


def reset_peak(pid: int) -> None:
    """Have Linux count the most memory of a process anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has held since."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def render(trials: Sequence[Trial], before: float) -> str:
    """The page of results."""
    lines = [
        "# Memory after the worst bodies",
        "",
        f"`{' '.join(['python -m benchmarks.endurance.left_behind', *sys.argv[1:]])}` measured this on "
        f"{time.strftime('%Y-%m-%d')}. Each body is sent once, then by {AT_ONCE} clients at once beside {LEAVING} that "
        f"leave halfway; {REST_SECONDS:g} seconds later the memory is compared with that before the first of all: "
        f"{before:.0f} MiB, when each kind of request had been answered. Nothing is restarted in between.",
        "",
        f"Left behind at the end: {trials[-1].left:.1f} MiB; the most after any of them: "
        f"{max(trial.left for trial in trials):.1f} MiB.",
        "",
        heads(["Body", "Responses by status", "Peak, MiB", "Left, MiB"]),
    ]
    for trial in trials:
        statuses = ", ".join(f"{count} x {status or 'none'}" for status, count in sorted(trial.statuses.items()))
        lines.append(row([trial.name, statuses, f"{trial.peak:,.0f}", f"{trial.left:.1f}"]))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance.left_behind", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=worst_requests(), metavar="NAME", help="of the bodies")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write saves whole runs only; leave out --only.")
    with serving("service", cores()) as server:
        trials, before = asyncio.run(measure(server, options.only or list(worst_requests())))
        right = asyncio.run(send(server.port, post(arithmetic([[3, 4]])))) == 200
    if options.write:
        RESULTS.write_text(render(trials, before), encoding="utf-8")
    left = max(trial.left for trial in trials)
    print(f"before {before:.0f} MiB, left {trials[-1].left:.1f}, at most {left:.1f}; the limit is {LIMIT_MEBIBYTES:g}")
    return 0 if right and left <= LIMIT_MEBIBYTES else 1


if __name__ == "__main__":
    sys.exit(main())
