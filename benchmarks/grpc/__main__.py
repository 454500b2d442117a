"""python -m benchmarks.grpc: processor time of a request over gRPC, beside grpcio's echo of the same bytes.

Both run in one process and one event loop and are asked in turns, by as many clients at a time; the service's request
is one of the Open Inference Protocol for model ``multiply``, with raw contents. The same request over HTTP is measured
too. It exits with 1 if the service needs more than 1.5 times what the echo needs.
"""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from time import sleep
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc.aio
import numpy as np
from tritonclient.grpc import service_pb2
from tritonclient.http import InferenceServerClient as HTTPClient
from tritonclient.http import InferInput

from benchmarks.endurance.memory import processor_seconds
from benchmarks.grpc.server import ECHO
from benchmarks.serving.http_client import parse
from benchmarks.serving.servers import ROOT, Server, cores, free_port, stop, wait_until_answering

RESULTS = Path("docs/results/grpc.md")
CLIENTS = 8
"""Requests at a time."""
MOST_RATIO = 1.5
ROWS = (1, 100, 1000)

Ask = Callable[[], Awaitable[object]]


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


async def compare(server: Server, grpc_port: int, echo_port: int, rounds: int, requests: int) -> list[list[str]]:
    """A line of the table for each number of rows: medians over the rounds, and the range of the ratio."""
    lines = []
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
            middle = {name: median(one[name] for one in seen) for name in asks}
            ratios = sorted(one["service"] / one["echo"] for one in seen)
            times = [f"{middle[name]:.0f}" for name in ("service", "echo", "http")]
            lines.append([f"{rows:,}", *times, f"{median(ratios):.2f}", f"{ratios[0]:.2f} to {ratios[-1]:.2f}"])
            print(*lines[-1], sep="  ", flush=True)
    return lines


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grpc", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds, of which the median counts (default: 7)")
    parser.add_argument("--requests", type=int, default=4000, help="requests of each in a round (default: 4000)")
    options = parser.parse_args()
    with serving(cores()[0]) as (server, grpc_port, echo_port):
        print("rows  service us  echo us  HTTP us  service / echo  its range", flush=True)
        lines = asyncio.run(compare(server, grpc_port, echo_port, options.rounds, options.requests))
    return int(any(float(line[4]) > MOST_RATIO for line in lines))


if __name__ == "__main__":
    sys.exit(main())
