"""Three services behind HAProxy, with the configuration of deploy/compose, each on a machine of its own."""

import asyncio
import csv
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from benchmarks.cluster.cluster import Cluster, Fault
from benchmarks.cluster.name_server import name_server
from benchmarks.cluster.network import Network, Process, network
from benchmarks.serving.processor_time import processes
from benchmarks.serving.servers import ROOT, stop

CONFIGURATION = ROOT / "deploy" / "compose" / "haproxy.cfg"
SERVICES = 3
BROKEN_SECONDS = 8.0
"""How long a link is cut or a service is stopped: longer than the balancer waits for a response."""
START_SECONDS = 60.0
POLL_SECONDS = 0.1


def compose_settings() -> dict[str, str]:
    """The settings of the services in the project's compose file, without those that are passed on."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return {name: str(value) for name, value in services["serve"]["environment"].items() if value is not None}


class HAProxyCluster(Cluster):
    """See the module; ``benchmarks.cluster.cluster`` explains the names."""

    name = "HAProxy"

    def __init__(self, services: int = SERVICES, program: str = "haproxy", log: Path = Path(os.devnull)) -> None:
        found = shutil.which(program)
        if found is None:
            raise SystemExit(f"The balancer '{program}' is not in PATH; install it, e.g. apt install haproxy.")
        self._program, self._log = found, log
        self._machines = range(1, services + 1)
        self._services: dict[int, Process] = {}
        self._turn = 0

    def start(self, stack: ExitStack) -> None:
        self._network: Network = network(len(self._machines))
        stack.callback(self._network.remove)
        self.host, (self.port, self._stats_port) = self._network.address(0), self._network.ports()
        addresses = [self._network.address(machine) for machine in self._machines]
        stack.enter_context(name_server(self._network.name_server, addresses))
        stack.callback(self._stop_services)
        for machine in self._machines:
            self._start_service(machine)
        variables = {**self._network.variables(), "NALU_DNS": self._network.name_server}
        command = [self._program, "-W", "-db", "-f", str(CONFIGURATION)]
        log = stack.enter_context(self._log.open("ab"))
        self._balancer = self._network.start(0, command, variables, log.fileno())
        stack.callback(stop, self._balancer)
        self._wait_until_all_are_up()

    @property
    def title(self) -> str:
        """Where it runs, for the page."""
        return self._network.title

    @property
    def faults(self) -> Mapping[str, Fault]:
        """Of one service, or, the last, of all after one another."""
        found: dict[str, Fault] = {"kill -9 of a service": self._kill}
        if self._network.can_cut:
            found["its link cut"] = self._cut
        return {**found, "SIGSTOP, SIGCONT": self._pause, "rolling restart": self._rolling_restart}

    def processes(self) -> Mapping[str, Sequence[int]]:
        """Of the balancer and of all services."""
        services = [pid for process in self._services.values() for pid in processes(process.pid)]
        return {"balancer": processes(self._balancer.pid), "services": services}

    async def _kill(self) -> None:
        machine = self._next()
        self._services[machine].kill()
        await asyncio.to_thread(self._services[machine].wait)
        await asyncio.sleep(1)
        self._start_service(machine)
        await self._all_are_up()

    async def _cut(self) -> None:
        machine = self._next()
        await asyncio.to_thread(self._network.cut, machine)
        await asyncio.sleep(BROKEN_SECONDS)
        await asyncio.to_thread(self._network.join, machine)
        await self._all_are_up()

    async def _pause(self) -> None:
        process = self._services[self._next()]
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(BROKEN_SECONDS)
        process.send_signal(signal.SIGCONT)
        await self._all_are_up()

    async def _rolling_restart(self) -> None:
        for machine in self._machines:
            self._services[machine].terminate()
            await asyncio.to_thread(self._services[machine].wait)
            self._start_service(machine)
            await self._all_are_up()

    def _next(self) -> int:
        """The machine whose turn it is to break."""
        self._turn += 1
        return self._machines[(self._turn - 1) % len(self._machines)]

    def _start_service(self, machine: int) -> None:
        address, port = self._network.address(machine), self._network.service_port()
        command = [sys.executable, "-m", "app", "--host", address, "--port", str(port)]
        settings = {"NALU_LOG_LEVEL": "error", **compose_settings()}
        self._services[machine] = self._network.start(machine, command, settings)

    def _stop_services(self) -> None:
        for process in self._services.values():
            process.send_signal(signal.SIGCONT)
            stop(process)

    async def _all_are_up(self) -> None:
        await asyncio.to_thread(self._wait_until_all_are_up)

    def _wait_until_all_are_up(self) -> None:
        """Return when the balancer takes every service for healthy.

        Raises:
            SystemExit: it does not within a minute.
        """
        end = time.monotonic() + START_SECONDS
        expected = {self._network.address(machine) for machine in self._machines}
        while (seen := self._healthy()) != expected:
            if time.monotonic() > end:
                raise SystemExit(f"The balancer takes {sorted(seen)} for healthy, not {sorted(expected)}.")
            time.sleep(POLL_SECONDS)

    def _healthy(self) -> set[str]:
        """Addresses of the services that are up in every backend."""
        try:
            with urlopen(f"http://{self.host}:{self._stats_port}/;csv", timeout=2) as answer:
                rows = list(csv.DictReader(answer.read().decode().splitlines()))
        except (URLError, OSError):  # it starts
            return set()
        servers = [row for row in rows if row["addr"] and row["bck"] == "0"]
        down = {row["addr"] for row in servers if row["status"] != "UP"}
        return {row["addr"].rpartition(":")[0] for row in servers if row["addr"] not in down}
