"""python -m benchmarks.grpc: processor time of a request over gRPC, and requests lost at shutdown.

The service and grpcio's echo of the same bytes run in one process and one event loop and are asked in turns, by as many
clients at a time; the service's request is one of the Open Inference Protocol for model ``multiply``, with raw
contents. The same request over HTTP is measured too. Times are the least of all rounds: other processes only add to
them. It exits with 1 if the service needs more than 1.5 times what the echo needs, or a request was lost.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import sleep
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc.aio
import numpy as np
from tritonclient.grpc import service_pb2
from tritonclient.http import InferenceServerClient as HTTPClient
from tritonclient.http import InferInput

from benchmarks.endurance.closed_loop_client import RequestOutcomes
from benchmarks.endurance.memory import processor_seconds
from benchmarks.endurance.shutdown import GRPC_CLIENTS, one_round
from benchmarks.grpc.server import ECHO
from benchmarks.serving.http_client import parse
from benchmarks.serving.servers import ROOT, Server, cores, free_port, stop, wait_until_answering

RESULTS = Path("docs/results/grpc.md")
CLIENTS = 8
"""Requests at a time."""
MOST_RATIO = 1.5
ROWS = (1, 100, 1000)

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Times:
    """Microseconds of processor time for a request of some rows."""

    rows: int
    service: float
    echo: float
    http: float
    lowest_ratio: float
    highest_ratio: float

    @property
    def ratio(self) -> float:
        """Times that the service needs what the echo needs."""
        return self.service / self.echo

    def line(self) -> str:
        """A line of the table."""
        times = f"{self.service:.0f} | {self.echo:.0f} | {self.http:.0f}"
        return f"| {self.rows:,} | {times} | {self.ratio:.2f} | {self.lowest_ratio:.2f} to {self.highest_ratio:.2f} |"


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


async def measure(asks: Sequence[Ask], requests: int, pid: int) -> float:
    """Microseconds of processor time that the server needs for a request."""
    before = processor_seconds(pid)

    async def run(ask: Ask) -> None:
        for _ in range(requests // len(asks)):
            await ask()

    await asyncio.gather(*map(run, asks))
    return (processor_seconds(pid) - before) / requests * 1e6


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
    """The least times of all rounds, for each number of rows."""
    found = []
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}") as channel,
        grpc.aio.insecure_channel(f"127.0.0.1:{echo_port}") as echo_channel,
    ):
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        echo = echo_channel.unary_unary(f"/{ECHO}/Echo")
        for rows in ROWS:
            content = grpc_request(rows)
            asks = {
                "service": [lambda: infer(content)] * CLIENTS,  # noqa: B023 - asked before the next
                "echo": [lambda: echo(content)] * CLIENTS,  # noqa: B023
                "http": await http_asks(server.port, http_request(rows)),
            }
            seen = [
                {name: await measure(each, requests, server.process.pid) for name, each in asks.items()}
                for _ in range(rounds + 1)
            ][1:]  # the first round warms up
            least = {name: min(one[name] for one in seen) for name in asks}
            ratios = sorted(one["service"] / one["echo"] for one in seen)
            found.append(Times(rows, **least, lowest_ratio=ratios[0], highest_ratio=ratios[-1]))
            print(found[-1].line(), flush=True)
    return found


def shut_down(workers: int, rounds: int) -> RequestOutcomes:
    """What became of the requests of all rounds."""
    total = RequestOutcomes()
    for _ in range(rounds):
        total.add(one_round(sorted(os.sched_getaffinity(0)), workers, grpc=True).outcomes)
    print(workers, "workers:", total.answered, "answered,", total.lost.total(), "lost", dict(total.lost), flush=True)
    return total


def page(times: Sequence[Times], outcomes: dict[int, RequestOutcomes], rounds: int, shutdowns: int) -> str:
    """The page of results."""
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
        f"In microseconds, the least of {rounds} rounds in which service, echo and HTTP take turns, {CLIENTS} requests "
        "at a time. The echo is grpcio's, of the same bytes, in the same process and event loop. HTTP is `/v2` with "
        "binary tensors.",
        "",
        "| Rows | gRPC | Echo | HTTP | gRPC / echo | Its range over the rounds |",
        "| --- | --- | --- | --- | --- | --- |",
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
    parser.add_argument("--rounds", type=int, default=20, help="rounds of the times (default: 20)")
    parser.add_argument("--requests", type=int, default=800, help="requests of each in a round (default: 800)")
    parser.add_argument("--shutdowns", type=int, default=20, help="shutdowns of one worker and of two (default: 20)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}")
    options = parser.parse_args()
    with serving(cores()[0]) as (server, grpc_port, echo_port):
        times = asyncio.run(compare(server, grpc_port, echo_port, options.rounds, options.requests))
    outcomes = {workers: shut_down(workers, options.shutdowns) for workers in (1, 2)}
    if options.write:
        (ROOT / RESULTS).write_text(page(times, outcomes, options.rounds, options.shutdowns), encoding="utf-8")
    slow = any(each.ratio > MOST_RATIO for each in times)
    return int(slow or any(seen.lost for seen in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
