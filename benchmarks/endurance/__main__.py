"""python -m benchmarks.endurance: the service under load for long; exits with 1 if a rule is broken.

It runs on a copy of ``repository/``. The clients ask rows of numbers and images and check every answer, while others
disconnect early or send invalid requests, and versions of a model come and go. The rules: no wrong answer, no
request without one, no 5xx but 503 with Retry-After, neither seen nor counted in ``/metrics``, every new version
served, and at the end no more than 1.05 times the memory of the first minute.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import uvloop

from benchmarks.endurance.clients import Clients
from benchmarks.endurance.invalid_requests import invalid_requests
from benchmarks.endurance.memory import MemoryMonitor
from benchmarks.endurance.request_stats import MEMORY_GROWTH, SHOWN, RequestStats
from benchmarks.endurance.scraped_errors import scraped_server_errors
from benchmarks.endurance.version_swaps import VersionSwaps
from benchmarks.endurance.workload import ArithmeticRequests, CheckedRequest, checked_images, image_files, shuffled
from benchmarks.serving.bodies import image_request
from benchmarks.serving.http_client import connect, exchange, request
from benchmarks.serving.processor_time import processor_seconds
from benchmarks.serving.servers import Server, ask, cores, serving

REPOSITORY = Path("repository")
IMAGE_MODELS = ("digit", "digit-value")
SCRAPED = ("/health/live", "/health/ready", "/metrics", "/models", "/models/multiply")
BURST_SECONDS = 5.0
FIRST_SECONDS = 60.0
"""The memory at the end is compared with that at the end of the first minute."""


async def endure(server: Server, repository: Path, seconds: float, load: float, judge_memory: bool) -> list[str]:
    """Load the service and print statistics; returns a sentence for each rule that is broken."""
    swaps, memory = VersionSwaps(repository), MemoryMonitor(server.process.pid)
    clients = Clients(server.port, await requests(server, repository, swaps))
    burst = min(BURST_SECONDS, seconds / 4)
    begun = perf_counter()
    capacity = (await clients.run(burst, None)).answered / (perf_counter() - begun)
    print(f"capacity {capacity:,.0f} requests a second; now {load:.0%} of it for {seconds:,.0f} seconds", flush=True)
    tasks = [asyncio.create_task(work) for work in (swaps.run(), memory.watch())]
    begun, used = perf_counter(), processor_seconds(server.process.pid)
    stats = await clients.run(seconds, load * capacity)
    taken, used = perf_counter() - begun, processor_seconds(server.process.pid) - used
    failures = [str(task.exception()) for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    counted = scraped_server_errors((await _get(server.port, "/metrics"))[1])
    _print(stats, swaps, memory, taken, used)
    print(f"5xx other than 503 by the service's own count {counted}")
    broken = stats.broken_rules() + [f"a part of this benchmark failed: {error}" for error in failures]
    if counted is None:
        broken.append("/metrics does not count the answers (nalu_requests_total)")
    elif counted:
        broken.append(f"the service itself counts {counted} answers with 5xx other than 503")
    if swaps.missed:
        broken.append(f"versions {swaps.missed} were never served")
    if judge_memory and memory.at_end() > MEMORY_GROWTH * memory.until(FIRST_SECONDS):
        broken.append(f"memory has grown to more than {MEMORY_GROWTH} times that of the first minute")
    return broken


async def requests(server: Server, repository: Path, swaps: VersionSwaps) -> Iterator[CheckedRequest]:
    """The mix: mostly single rows, then hundreds of rows, images, ``/v2`` where there is one, and bad requests."""
    arithmetic = ArithmeticRequests(repository, swaps.record_version)
    speaks_v2 = (await _get(server.port, "/v2"))[0] == 200
    print(f"mix {'with' if speaks_v2 else 'without'} /v2, which the service {'has' if speaks_v2 else 'does not have'}")
    pools = [
        (50.0, [arithmetic.rows(1) for _ in range(400)]),
        (12.0, [arithmetic.rows(100) for _ in range(60)]),
        (12.0, image_requests(server.port, swaps)),
        (3.0, invalid_requests(speaks_v2)),
        (0.5, [CheckedRequest("scrapes", request("GET", path), lambda _: None) for path in SCRAPED]),
    ]
    if speaks_v2:
        pools += [(10.0, [arithmetic.v2(count) for count in (1, 10) * 50])]
        pools += [(10.0, [arithmetic.v2_binary(count) for count in (1, 100) * 50])]
    return shuffled(pools)


def image_requests(port: int, swaps: VersionSwaps) -> list[CheckedRequest]:
    """Requests for images, each with its first response as the expected one."""
    made = []
    for model in IMAGE_MODELS:
        files = image_files()
        truths = []
        for file in files:
            status, content = ask(port, image_request([file], model))
            if status != 200:
                raise SystemExit(f"The service answered {status} to an image: {content[:300]!r}")
            truths.append(json.loads(content)["predictions"][0])
        made += [
            checked_images(model, [file], [truth], swaps.record_version)
            for file, truth in zip(files, truths, strict=True)
        ]
        made.append(checked_images(model, files[:5], truths[:5], swaps.record_version))
    return made


async def _get(port: int, path: str) -> tuple[int, str]:
    """Status and text of an answer; 0 where there is none."""
    try:
        connection = await connect(port)
    except OSError:
        return 0, ""
    answer = await exchange(connection, request("GET", path), 10)
    connection.end()
    return (answer.status, answer.body.decode()) if answer else (0, "")


def _print(stats: RequestStats, swaps: VersionSwaps, memory: MemoryMonitor, taken: float, used: float) -> None:
    print(*stats.table(), sep="\n")
    refused = stats.status_count(503)
    first, last = memory.until(FIRST_SECONDS), memory.at_end()
    ratio = f", ratio {last / first:.3f}" if first else ""
    print(f"{stats.answered / taken:,.0f} answers a second; the service used {used / taken:.2f} cores")
    print(f"wrong {len(stats.wrong)}, 5xx other than 503 {stats.server_errors()}, none {stats.no_answer.total()}")
    print(f"503   {refused:,}, {refused / max(1, stats.answered):.2%} of the answers")
    print(f"versions of a model that came {swaps.written}, went {len(swaps.went)}, never served {len(swaps.missed)}")
    print(f"memory after the first minute {first:.0f} MB, at the end {last:.0f} MB{ratio}")
    for problem in stats.wrong[:SHOWN] + stats.unanswered[:SHOWN]:
        print(f"  {problem}")


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="time under load (default: 10)")
    parser.add_argument("--load", type=float, default=0.9, help="share of the capacity (default: 0.9)")
    parser.add_argument("--workers", type=int, default=1, help="processes of the service (default: 1)")
    parser.add_argument("--quick", action="store_true", help="20 seconds, with every rule but that of the memory")
    options = parser.parse_args()
    seconds = 20.0 if options.quick else options.minutes * 60
    found = cores()
    with tempfile.TemporaryDirectory(prefix="nalu-endurance-") as folder:
        repository = Path(folder) / "repository"
        shutil.copytree(REPOSITORY, repository)
        settings = {"NALU_REPOSITORY": str(repository), "NALU_REPOSITORY_POLL_SECONDS": "1"}
        with serving("service", found[:-1], options.workers, **settings) as server:
            os.sched_setaffinity(0, found[-1:])
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                long = not options.quick and seconds > FIRST_SECONDS
                broken = runner.run(endure(server, repository, seconds, options.load, judge_memory=long))
            if server.process.poll() is not None:
                broken.append(f"the service ended by itself with code {server.process.returncode}")
    print("\n".join(f"BROKEN  {rule}" for rule in broken) or "every rule holds")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
