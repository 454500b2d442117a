"""python -m benchmarks.request_path: where the processor time of one row, and of a hundred, goes.

The service is loaded by wrk, which gives all of its time and the kernel's share. Then it runs in this process on
connections without sockets, which gives its own work; and each part of that is called alone. What is between is the
event loop's and the objects' and calls' that connect the parts. Every figure is the median of the rounds, which measure
everything in turns.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from app.main import Application
from benchmarks.request_path.connections import TURN, Connections, request, running
from benchmarks.request_path.parts import PARTS, part_seconds
from benchmarks.serving.bodies import Body, arithmetic, rows
from benchmarks.serving.cells import heads, row
from benchmarks.serving.load import run_wrk, write_script
from benchmarks.serving.servers import ROOT, Server, cores, serving

RESULTS = ROOT / "docs/results/request-path.md"
BODIES = {"one row": arithmetic([[3, 4]]), "100 rows": arithmetic(rows(100))}
KERNEL = "kernel: receive, send, wait"
LOOP = "uvloop, and what a real connection costs besides"
PARSING = "parsing a head and reading its headers, where it is not known"
BETWEEN = "the rest: reading, checks, batching, counters, calls between"
TOTAL = "whole"

Measured = dict[str, float]
"""Microseconds of a request, by part."""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.request_path", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each figure (default: 7)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.relative_to(ROOT)}")
    options = parser.parse_args()
    own, others = cores()[0], cores()[1:]
    os.sched_setaffinity(0, [own])
    with serving("service", [own]) as server, tempfile.TemporaryDirectory() as folder:
        scripts = {name: _script(Path(folder) / name.replace(" ", "-"), body) for name, body in BODIES.items()}
        loads = {
            name: [_loaded(server, script, others) for _ in range(options.rounds)] for name, script in scripts.items()
        }
    inside = asyncio.run(_inside(options.rounds))
    page = render(
        {
            name: _median([{**load, **own} for load, own in zip(loads[name], inside[name], strict=True)])
            for name in BODIES
        }
    )
    print(page)
    if options.write:
        RESULTS.write_text(page, encoding="utf-8")


def _script(folder: Path, body: Body) -> Path:
    folder.mkdir()
    return write_script(folder, body)


def _loaded(server: Server, script: Path, load_cores: list[int]) -> Measured:
    """All time of the service under load, and the kernel's share of it."""
    before = _ticks(server.process.pid)
    load = run_wrk(script, server, TURN, 1, load_cores)
    user, system = (after - first for after, first in zip(_ticks(server.process.pid), before, strict=True))
    return {TOTAL: load.cpu_us, KERNEL: load.cpu_us * system / max(1, user + system)}


def _ticks(pid: int) -> tuple[int, int]:
    """Ticks in Python and libraries, and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])


async def _inside(rounds: int) -> dict[str, list[Measured]]:
    async with running() as app:
        return {name: [await measure(app, body) for _ in range(rounds)] for name, body in BODIES.items()}


async def measure(app: Application, body: Body, repeats: int = 2000) -> Measured:
    """The service's own work for a request without sockets, by part."""
    connections, data = Connections(app), request(body)
    turns = max(1, repeats // TURN)
    await connections.seconds(data, 2)  # the model's first computation runs in a thread
    known = await connections.seconds(data, turns)
    unknown = await connections.seconds(data, turns, forget=True)
    parts = {name: 1e6 * seconds for name, seconds in part_seconds(app, body, repeats).items()}
    return {**parts, BETWEEN: 1e6 * known - sum(parts.values()), PARSING: 1e6 * (unknown - known)}


def _median(rounds: list[Measured]) -> Measured:
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


def render(measured: dict[str, Measured]) -> str:
    """The page of results."""
    return "\n".join(_lines(measured)) + "\n"


def _lines(measured: dict[str, Measured]) -> Iterator[str]:
    yield "# Where the time of a request goes\n"
    yield (
        f"`python -m benchmarks.request_path --write` measured this on {date.today().isoformat()}: microseconds of "
        f"processor time of a prediction by `multiply`, {TURN} connections, one worker on one core, the clients on "
        "another. Every part is called alone, many times, so what it costs among others is more: their caches are not "
        "warm. That difference is in *the rest*. Every figure is the median of the rounds.\n"
    )
    yield heads(["", *measured])
    inside = [*PARTS, BETWEEN]
    for name in (TOTAL, KERNEL, *inside):
        yield _row(PARTS.get(name, name), [each[name] for each in measured.values()])
    loop = [each[TOTAL] - each[KERNEL] - sum(each[name] for name in inside) for each in measured.values()]
    yield _row(LOOP, loop)
    yield _row(f"not in it: {PARSING}", [each[PARSING] for each in measured.values()])


def _row(title: str, values: list[float]) -> str:
    return row([title, *(f"{value:.1f}" for value in values)])


if __name__ == "__main__":
    main()
