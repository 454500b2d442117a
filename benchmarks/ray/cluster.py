"""The service under Ray Serve on two nodes, in Ray's defaults or with the files of deploy/ray."""

import asyncio
import csv
import os
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from benchmarks.cluster.cluster import Cluster, Fault
from benchmarks.ray.nodes import HEAD, WORKER, Machines, Nodes, ray_environment
from benchmarks.serving.servers import ROOT

CONFIGURATION = ROOT / "deploy" / "ray" / "serve.yaml"
REPLICAS = {HEAD: 2, WORKER: 1}
BROKEN_SECONDS = 4.0
START_SECONDS = 600.0
POLL_SECONDS = 0.2
DEPLOYER = "deployer"


def configuration(repository: Path, replicas: int) -> dict[str, Any]:
    """The file of Serve for a repository and so many replicas."""
    found: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    [application] = found["applications"]
    application["args"]["repository"] = str(repository)
    [deployment] = application["deployments"]
    deployment["num_replicas"] = replicas
    return found


class RayCluster(Cluster):
    """See the module; ``benchmarks.cluster.cluster`` explains the names.

    Args:
        name: for the tables.
        python: of Ray's environment.
        ours: with the files of deploy/ray; else all is Ray's default, but for the number of replicas.
        replicas: of each node.
        proxy: with Ray's proxy, without the variables of ray.env.
        settings: variables of the service.
    """

    def __init__(
        self,
        name: str,
        python: Path,
        *,
        ours: bool,
        replicas: Mapping[int, int] = REPLICAS,
        proxy: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self._python, self._ours, self._replicas = name, python, ours, replicas
        self._has_haproxy = ours and not proxy
        self._settings = {"NALU_LOG_LEVEL": "warning", "NALU_REPOSITORY": str(ROOT / "repository"), **(settings or {})}
        self._turn = cycle(range(sum(replicas.values())))

    def start(self, stack: ExitStack) -> None:
        folder = tempfile.TemporaryDirectory(prefix="nr-", ignore_cleanup_errors=True)
        self._folder = Path(stack.enter_context(folder))
        self._machines = Machines()
        stack.callback(self._machines.remove)
        self.host, (self.port, self._stats_port) = self._machines.address(HEAD), self._machines.ports()
        variables = {**self._settings, **(ray_environment() if self._has_haproxy else {})}
        self._nodes = Nodes(self._machines, self._python, self._folder, variables, self._replicas)
        stack.callback(self._nodes.stop)
        for node in self._replicas:
            self._nodes.start(node)
        self._deploy()
        self._wait_until_all_serve()

    def _deploy(self) -> None:
        count = sum(self._replicas.values())
        command = ["benchmarks.ray.deployer", "--replicas", str(count), "--nodes", str(len(self._replicas))]
        if self._ours:
            file = self._folder / "serve.yaml"
            file.write_text(yaml.safe_dump(configuration(ROOT / "repository", count)), encoding="utf-8")
            command += ["--configuration", str(file)]
        self._deployer = self._nodes.run(DEPLOYER, *command)

    @property
    def faults(self) -> Mapping[str, Fault]:
        """Of a replica, or of the node that is not the head."""
        return {
            "kill -9 of a replica": self._kill_replica,
            "kill -9 of a node": self._kill_node,
            "a node stopped": self._stop_node,
            "its link cut": self._cut,
        }

    def processes(self) -> Mapping[str, Sequence[int]]:
        """Of both nodes, by their part."""
        return self._nodes.processes(HEAD, WORKER)

    async def _kill_replica(self) -> None:
        pids = self.processes()["replicas"]
        os.kill(pids[next(self._turn) % len(pids)], signal.SIGKILL)
        await self._all_serve()

    async def _kill_node(self) -> None:
        await asyncio.to_thread(self._nodes.kill, WORKER)
        await self._restart_node()

    async def _stop_node(self) -> None:
        await asyncio.to_thread(self._nodes.terminate, WORKER)
        await self._restart_node()

    async def _restart_node(self) -> None:
        await asyncio.sleep(BROKEN_SECONDS)
        await asyncio.to_thread(self._nodes.start, WORKER)
        await self._all_serve()

    async def _cut(self) -> None:
        await asyncio.to_thread(self._machines.cut, WORKER)
        await asyncio.sleep(BROKEN_SECONDS)
        await asyncio.to_thread(self._machines.join, WORKER)
        await self._all_serve()

    async def _all_serve(self) -> None:
        await asyncio.sleep(1)
        await asyncio.to_thread(self._wait_until_all_serve)

    def _wait_until_all_serve(self) -> None:
        """Return when all replicas run, on both nodes, and the proxies know them.

        Raises:
            SystemExit: they do not within ten minutes.
        """
        end, expected = time.monotonic() + START_SECONDS, sum(self._replicas.values())
        while not (self._running() == expected == self._known()):
            if time.monotonic() > end:
                raise SystemExit(
                    f"{self.name}: {self._running()} replicas run, the proxy knows {self._known()}, not {expected}: "
                    f"{self._nodes.log(DEPLOYER).read_text(encoding='utf-8')[-2000:]}"
                )
            if self._nodes.start_again() or self._deployer.poll() is not None:
                self._deploy()
            time.sleep(POLL_SECONDS)

    def _running(self) -> int:
        """Replicas that run, of both nodes, and that Ray takes for healthy."""
        lines = self._nodes.log(DEPLOYER).read_text(encoding="utf-8").splitlines()
        states = lines[-1] if lines else ""
        running = len(self.processes()["replicas"])
        return running if states == f"('RUNNING', {running})" else 0

    def _known(self) -> int:
        """Replicas that HAProxy takes for healthy; with Ray's own proxy, which has no such list, all of them."""
        if not self._has_haproxy:
            return self._running()
        try:
            with urlopen(f"http://{self.host}:{self._stats_port}/stats;csv", timeout=2) as answer:
                rows = list(csv.DictReader(answer.read().decode().splitlines()))
        except (URLError, OSError):  # it starts, or reads its configuration again
            return 0
        return sum(row["svname"].startswith("SERVE_REPLICA") and row["status"] == "UP" for row in rows)
