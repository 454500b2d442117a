"""Processor time of a request of one row, over HTTP, to each server."""

from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection

from benchmarks.serving.processor_time import own_processor_seconds, processor_seconds
from benchmarks.triton.servers import LOOPBACK, Running

BODY = b'{"inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 2], "data": [3, 4]}]}'
ANSWER = b'"data":[12.0]'
REQUESTS = 2000
ROUNDS = 5


@dataclass(frozen=True)
class Cost:
    """Microseconds of a request: of all processes of a server, and of the one that holds the connection."""

    every: float
    core: float


def measure(servers: Sequence[Running]) -> list[Cost]:
    """The least of all rounds, in which the servers take turns; other processes only add to it."""
    connections = [HTTPConnection(LOOPBACK, server.http) for server in servers]
    costs: list[list[Cost]] = [[] for _ in servers]
    for _ in range(ROUNDS + 1):
        for server, connection, seen in zip(servers, connections, costs, strict=True):
            seen.append(_round(server, connection))
    return [Cost(min(each.every for each in seen[1:]), min(each.core for each in seen[1:])) for seen in costs]


def _round(server: Running, connection: HTTPConnection) -> Cost:
    before = processor_seconds(server.pid), own_processor_seconds(server.pid)
    for _ in range(REQUESTS):
        connection.request("POST", "/v2/models/multiply/infer", BODY)
        answer = connection.getresponse().read()
        if ANSWER not in answer:
            raise SystemExit(f"{server.name} answers {answer[:200]!r}.")
    after = processor_seconds(server.pid), own_processor_seconds(server.pid)
    every, core = ((end - start) / REQUESTS * 1e6 for start, end in zip(before, after, strict=True))
    return Cost(every, core)
