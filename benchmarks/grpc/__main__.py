"""python -m benchmarks.grpc: processor time of a request over gRPC, and requests lost at shutdown.

The service and an echo of grpcio's run in one process and one event loop and are asked in turns, by as many clients at
a time; the request is one of the Open Inference Protocol for model ``multiply``, with raw contents. The echo is what
its generated code makes of it: it reads the message and writes one. An echo of bytes and the same request over HTTP are
measured too. It exits with 1 if the service needs more than 1.5 times what the echo needs, in the median of the rounds,
or a request was lost.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from time import clock_gettime, sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc.aio
import numpy as np
from tritonclient.grpc import service_pb2
from tritonclient.http import InferenceServerClient as HTTPClient
from tritonclient.http import InferInput

from benchmarks.endurance.closed_loop_client import RequestOutcomes
from benchmarks.endurance.shutdown import GRPC_CLIENTS, one_round
from benchmarks.grpc.server import ECHO
from benchmarks.serving.http_client import parse
from benchmarks.serving.servers import ROOT, Server, cores, free_port, stop, wait_until_answering

RESULTS = Path("docs/results/grpc.md")
CLIENTS = 8
"""Requests at a time."""
MOST_RATIO = 1.5
ROWS = (1, 100, 1000)
ASKED = ("service", "echo", "echo of bytes", "http")
"""In the order of the table."""
INFER = "/inference.GRPCInferenceService/ModelInfer"
PROCESS_CLOCK = 2
"""Linux' clock of the processor time of a process, in the lowest bits of its number."""

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Times:
    """Microseconds of processor time that a request of some rows needs in each round, by what is asked."""

    rows: int
    rounds: dict[str, list[float]]

    @property
    def ratio(self) -> float:
        """Times that the service needs what the echo needs: the median of the rounds."""
        return statistics.median(self._ratios("echo"))

    def _ratios(self, echo: str) -> list[float]:
        return sorted(service / other for service, other in zip(self.rounds["service"], self.rounds[echo], strict=True))

    def line(self) -> str:
        """A line of the table."""
        medians = " | ".join(f"{statistics.median(self.rounds[name]):.0f}" for name in ASKED)
        ratios, bytes_ratio = self._ratios("echo"), statistics.median(self._ratios("echo of bytes"))
        tenth = len(ratios) // 10
        spread = f"{ratios[tenth]:.2f} to {ratios[-1 - tenth]:.2f}"
        return f"| {self.rows:,} | {medians} | {self.ratio:.2f} | {spread} | {bytes_ratio:.2f} |"


@contextmanager
def serving(on_core: int) -> Iterator[tuple[Server, int, int]]:
    """The server of both on one core, with the ports of gRPC and of the echo."""
    ports = [free_port() for _ in range(3)]
    command = ["taskset", "-c", str(on_core), sys.executable, "-m", "benchmarks.grpc.server", *map(str, ports)]
    process = subprocess.Popen(command, cwd=ROOT)
    server = Server("service", ports[0], process)
    try:
        wait_until_answering(server)
        wait_until_ready(server)
        yield server, ports[1], ports[2]
    finally:
        stop(process)


def wait_until_ready(server: Server) -> None:
    """Return once all models are loaded, which takes processor time."""
    while True:
        with suppress(HTTPError), urlopen(f"http://127.0.0.1:{server.port}/health/ready"):
            return
        sleep(0.1)


def grpc_request(rows: int) -> bytes:
    """A ModelInferRequest."""
    request = service_pb2.ModelInferRequest(model_name="multiply")
    request.inputs.add(name="input", datatype="FP64", shape=[rows, 2])
    request.raw_input_contents.append(table(rows).tobytes())
    serialised: bytes = request.SerializeToString()
    return serialised


def http_request(rows: int) -> bytes:
    """The same request over HTTP, its tensors in binary."""
    tensor = InferInput("input", [rows, 2], "FP64").set_data_from_numpy(table(rows))
    body, length = HTTPClient.generate_request_body([tensor])
    lines = ["POST /v2/models/multiply/infer HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, f"Inference-Header-Content-Length: {length}", "", ""])
    return head.encode() + body


def table(rows: int) -> np.ndarray:
    """Two columns of numbers."""
    return np.random.default_rng(0).uniform(1, 9, (rows, 2))


async def measure(asks: Sequence[Ask], requests: int, clock: int) -> float:
    """Microseconds of processor time that the server needs for a request."""
    before = clock_gettime(clock)

    async def run(ask: Ask) -> None:
        for _ in range(requests // len(asks)):
            await ask()

    await asyncio.gather(*map(run, asks))
    return (clock_gettime(clock) - before) / requests * 1e6


async def http_asks(port: int, content: bytes) -> list[Ask]:
    """Clients with a connection each."""

    async def connect() -> Ask:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def ask() -> None:
            writer.write(content)
            received = b""
            while (answer := parse(received)) is None:
                received += await reader.read(1 << 20)
            assert answer.status == 200, answer

        return ask

    return [await connect() for _ in range(CLIENTS)]


async def compare(server: Server, grpc_port: int, echo_port: int, rounds: int, requests: int) -> list[Times]:
    """The times of all rounds, for each number of rows."""
    found = []
    clock = ~server.process.pid << 3 | PROCESS_CLOCK
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}") as channel,
        grpc.aio.insecure_channel(f"127.0.0.1:{echo_port}") as echo_channel,
    ):
        methods = {
            "service": channel.unary_unary(INFER),
            "echo": echo_channel.unary_unary(INFER),
            "echo of bytes": echo_channel.unary_unary(f"/{ECHO}/Echo"),
        }
        for rows in ROWS:
            content = grpc_request(rows)
            asks: dict[str, list[Ask]] = {
                name: [partial(_ask, method, content)] * CLIENTS for name, method in methods.items()
            }
            asks["http"] = await http_asks(server.port, http_request(rows))
            for each in asks.values():
                await measure(each, requests, clock)  # warms up
            seen = [{name: await measure(asks[name], requests, clock) for name in ASKED} for _ in range(rounds)]
            found.append(Times(rows, {name: [one[name] for one in seen] for name in ASKED}))
            print(found[-1].line(), flush=True)
    return found


async def _ask(method: Any, content: bytes) -> None:
    await method(content)


def shut_down(workers: int, rounds: int) -> RequestOutcomes:
    """What became of the requests of all rounds."""
    total = RequestOutcomes()
    for _ in range(rounds):
        total.add(one_round(sorted(os.sched_getaffinity(0)), workers, grpc=True).outcomes)
    print(workers, "workers:", total.answered, "answered,", total.lost.total(), "lost", dict(total.lost), flush=True)
    return total


def page(times: Sequence[Times], outcomes: dict[int, RequestOutcomes], requests: int, shutdowns: int) -> str:
    """The page of results."""
    rounds = len(times[0].rounds["service"])
    clients = ", ".join(f"{count} {kind}" for kind, count in GRPC_CLIENTS.items())
    lost = [
        f"| {workers} | {seen.answered:,} | {seen.statuses[503]:,} | {seen.refused:,} | {seen.lost.total()} |"
        for workers, seen in outcomes.items()
    ]
    lines = [
        "# gRPC",
        "",
        f"`python -m benchmarks.grpc --write` measures this. On {date.today()}, one core for the server.",
        "",
        "## Processor time of a request",
        "",
        f"In microseconds, medians of {rounds} rounds of {requests} requests, {CLIENTS} at a time, in which all take "
        "turns. The echo is a servicer of grpcio's, in the same process and event loop: it reads the same message and "
        "answers with its tensor; that of bytes neither reads nor writes a message. HTTP is `/v2` with binary tensors. "
        "Ratios are medians of those of the rounds; the range leaves out a tenth at each end.",
        "",
        "| Rows | gRPC | Echo | Echo of bytes | HTTP | gRPC / echo | Its range | gRPC / echo of bytes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(each.line() for each in times),
        "",
        "## Requests at shutdown",
        "",
        f"`kill -TERM` under load, {shutdowns} times each; clients of Triton, each with one request at a time: "
        f"{clients}. An answer of 503 is a message on a stream that is about to end.",
        "",
        "| Workers | Answered | 503 | Not connected | Lost |",
        "| --- | --- | --- | --- | --- |",
        *lost,
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grpc", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="rounds of the times (default: 100)")
    parser.add_argument("--requests", type=int, default=40, help="requests of each in a round (default: 40)")
    parser.add_argument("--shutdowns", type=int, default=20, help="shutdowns of one worker and of two (default: 20)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}")
    options = parser.parse_args()
    with serving(cores()[0]) as (server, grpc_port, echo_port):
        times = asyncio.run(compare(server, grpc_port, echo_port, options.rounds, options.requests))
    outcomes = {workers: shut_down(workers, options.shutdowns) for workers in (1, 2)}
    if options.write:
        (ROOT / RESULTS).write_text(page(times, outcomes, options.requests, options.shutdowns), encoding="utf-8")
    slow = any(each.ratio > MOST_RATIO for each in times)
    return int(slow or any(seen.lost for seen in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
