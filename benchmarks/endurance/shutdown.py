"""python -m benchmarks.endurance.shutdown: SIGTERM under load; exits with 1 if an accepted request got no answer.

A request is accepted once the client has written all of it on a connection whose end it could not know of: a fresh one
that was established, or one that is reused and on which nothing, and so no end, had come when the client looked just
before it wrote. It is lost if no whole answer follows; an answer 503 is one. Connections that are refused are fine, and
so are those that are found ended before the request is written. Clients respect ``Connection: close``. Most keep their
connections and ask again as soon as they are answered; some make a new one for each request.

With ``--grpc`` the clients are Triton's: most keep their channel; some make a new one for each request, send
a stream, or are the client without asyncio. A request is lost unless an answer comes, or grpcio says that it could not
connect.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from benchmarks.endurance.closed_loop_client import ClosedLoopClient, RequestOutcomes
from benchmarks.endurance.grpc_clients import GRPCClient
from benchmarks.serving.bodies import arithmetic, image_request, png, rows
from benchmarks.serving.http_client import post
from benchmarks.serving.servers import Server, free_port, serving

KEEPING, RECONNECTING = 32, 8
"""Clients that keep their connection, and that make a new one for each request."""
GRPC_CLIENTS = {"keeping": 24, "reconnecting": 4, "streaming": 8, "blocking": 4}
GRACE_SECONDS = 0.5
EARLIEST_SECONDS, LATEST_SECONDS = 0.3, 1.5
"""When SIGTERM comes, after the start of the load."""
END_SECONDS = 30.0


class Client(Protocol):
    """One client."""

    async def run(self) -> None:
        """Ask until stopped."""

    def stop(self) -> None:
        """Ask no further request."""


@dataclass
class Round:
    """Times and outcomes of one shutdown."""

    outcomes: RequestOutcomes = field(default_factory=RequestOutcomes)
    signal_seconds: float = 0.0
    end_seconds: float = 0.0

    def line(self, number: int) -> str:
        """One line of the table."""
        seen = self.outcomes
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(seen.lost.items())) or "-"
        counts = f"{seen.answered:10,}{seen.statuses[503]:6,}{seen.refused:9,}{seen.found_ended:8,}"
        return f"{number:5}{self.signal_seconds:9.2f}{self.end_seconds:7.2f}{counts}{seen.lost.total():6}  {kinds}"


HEADING = f"{'round':>5}{'SIGTERM':>9}{'ended':>7}{'answered':>10}{'503':>6}{'refused':>9}{'closed':>8}{'lost':>6}"


def http_clients(port: int, outcomes: RequestOutcomes) -> list[ClosedLoopClient]:
    """Clients that ask over HTTP."""
    contents = [post(body) for body in (arithmetic([[3, 4]]), arithmetic(rows(100)), image_request([png()]))]
    return [
        ClosedLoopClient(port, contents, outcomes, keep=number < KEEPING) for number in range(KEEPING + RECONNECTING)
    ]


def grpc_clients(port: int, outcomes: RequestOutcomes) -> list[GRPCClient]:
    """Clients that ask over gRPC."""
    return [GRPCClient(port, outcomes, kind) for kind, count in GRPC_CLIENTS.items() for _ in range(count)]


async def shut_down(clients: Sequence[Client], process: subprocess.Popen[bytes], outcomes: RequestOutcomes) -> Round:
    """Load a service, send SIGTERM, and wait until it and every client have ended."""
    seen = Round(outcomes, random.uniform(EARLIEST_SECONDS, LATEST_SECONDS))
    asking = [asyncio.create_task(client.run()) for client in clients]
    await asyncio.sleep(seen.signal_seconds)
    process.send_signal(signal.SIGTERM)
    begun = monotonic()
    with suppress(subprocess.TimeoutExpired):
        await asyncio.to_thread(process.wait, END_SECONDS)
    seen.end_seconds = monotonic() - begun
    for client in clients:
        client.stop()
    await asyncio.gather(*asking)
    return seen


def one_round(on_cores: Sequence[int], workers: int, *, grpc: bool) -> Round:
    """Start a service, and shut it down under load."""
    port, outcomes = free_port() if grpc else 0, RequestOutcomes()
    settings = {"NALU_SHUTDOWN_GRACE_SECONDS": str(GRACE_SECONDS), "NALU_GRPC_PORT": str(port)}

    async def load(server: Server) -> Round:  # grpcio's clients need the event loop
        clients = grpc_clients(port, outcomes) if grpc else http_clients(server.port, outcomes)
        return await shut_down(clients, server.process, outcomes)

    with serving("service", on_cores, workers, **settings) as server:
        return asyncio.run(load(server))


def main() -> int:
    """Shut down again and again, and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance.shutdown", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="shutdowns (default: 20)")
    parser.add_argument("--workers", type=int, default=1, help="processes of the service (default: 1)")
    parser.add_argument("--grpc", action="store_true", help="load over gRPC")
    options = parser.parse_args()
    everywhere = sorted(os.sched_getaffinity(0))
    total = RequestOutcomes()
    unfinished = 0
    clients = GRPC_CLIENTS if options.grpc else {"keeping": KEEPING, "reconnecting": RECONNECTING}
    listed = ", ".join(f"{count} {kind}" for kind, count in clients.items())
    print(f"clients: {listed}; grace {GRACE_SECONDS} s\n{HEADING}")
    for number in range(1, options.rounds + 1):
        seen = one_round(everywhere, options.workers, grpc=options.grpc)
        print(seen.line(number), flush=True)
        total.add(seen.outcomes)
        unfinished += seen.end_seconds >= END_SECONDS
    strange = Counter({status: count for status, count in total.statuses.items() if status not in (200, 503)})
    print(f"{total.answered:,} answered, {total.lost.total()} lost {dict(total.lost) or ''}")
    if strange:
        print(f"BROKEN  answers that are neither 200 nor 503: {dict(strange)}")
    if unfinished:
        print(f"BROKEN  {unfinished} services had not ended {END_SECONDS:.0f} seconds after SIGTERM")
    return 1 if total.lost or strange or unfinished else 0


if __name__ == "__main__":
    sys.exit(main())
