"""The nodes of a Ray cluster, each on a machine of its own, and their processes by what they do."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from benchmarks.cluster.network import Namespaces, Process
from benchmarks.serving.servers import ROOT

HEAD, WORKER = 0, 1
HEAD_ADDRESS = "198.18.1.1"
"""The head's end of the link between both."""
GCS_PORT = 6379
PATIENCE = {
    "RAY_SERVE_HAPROXY_STARTUP_TIMEOUT_S": "120",
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "120",
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "120",
}
"""Limits of Ray's start, which a busy machine exceeds."""
FILE = ROOT / "deploy" / "ray" / "ray.env"
REPLICA = "ray::ServeReplica"
PARTS = {"replicas": REPLICA, "Ray's proxy": "ray::ProxyActor", "HAProxy": "haproxy"}
"""How the command of each part begins, without its folder."""
WATCHER = "benchmarks.ray.deployer"
"""Ours: it counts as no part."""
REST = "rest of Ray"


def ray_environment(file: Path = FILE) -> dict[str, str]:
    """The variables of a file with ``NAME=value`` or ``NAME="value"`` a line."""
    return dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', file.read_text(encoding="utf-8"), re.MULTILINE))


class Machines(Namespaces):
    """The machines of both nodes."""

    def __init__(self) -> None:
        super().__init__(1)

    def remove(self) -> None:
        """Remove the machines; returns when their links are gone too."""
        super().remove()
        while subprocess.run(["ip", "link", "show", "client0"], capture_output=True).returncode == 0:
            time.sleep(0.1)

    def processes(self, machine: int) -> list[int]:
        """All that run on a machine, whoever started them: Ray's are not all below the first one."""
        done = subprocess.run(["ip", "netns", "pids", self._names[machine]], check=True, capture_output=True, text=True)
        return [int(pid) for pid in done.stdout.split()]


class Nodes:
    """A head node and another one.

    Args:
        machines: one for each.
        python: of Ray's environment.
        folder: of Ray's sessions and logs; its path is short, as HAProxy's sockets below it may have 97 characters.
        variables: of the environment of both.
        replicas: that each node has processors for.
    """

    def __init__(
        self, machines: Machines, python: Path, folder: Path, variables: Mapping[str, str], replicas: Mapping[int, int]
    ) -> None:
        self._machines, self._python, self._folder, self._replicas = machines, python, folder, replicas
        haproxy = folder / "h"
        self._variables = {
            "RAY_ADDRESS": f"{HEAD_ADDRESS}:{GCS_PORT}",
            "RAY_USAGE_STATS_ENABLED": "0",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'deploy' / 'ray'}",
            "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(haproxy / "haproxy.cfg"),
            "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy / "admin.sock"),
            "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy),
            "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy / "server-state"),
            "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(haproxy / "metrics.sock"),
            **PATIENCE,
            **variables,
        }
        self._started: dict[int, Process] = {}

    def start(self, node: int) -> None:
        """Start Ray on a machine."""
        role = ("--head", "--port", str(GCS_PORT), "--include-dashboard", "false")
        command = (
            *(str(self._python.with_name("ray")), "start", "--block", "--disable-usage-stats"),
            *(role if node == HEAD else ("--address", f"{HEAD_ADDRESS}:{GCS_PORT}")),
            *("--node-ip-address", HEAD_ADDRESS if node == HEAD else self._machines.address(node)),
            *("--num-cpus", str(self._replicas[node]), "--object-store-memory", "100000000"),
            *("--temp-dir", str(self._folder / str(node))),
        )
        self._started[node] = self._run(node, f"node-{node}", command)

    def start_again(self) -> bool:
        """Start nodes whose start has failed, for which Ray has 30 seconds; returns whether the head is one."""
        failed = [node for node, process in self._started.items() if process.poll() is not None]
        for node in failed:
            self.kill(node)
            self.start(node)
        return HEAD in failed

    def run(self, name: str, *command: str) -> Process:
        """Run a module in Ray's environment on the head; what it prints goes into the log of that name."""
        return self._run(HEAD, name, (str(self._python), "-m", *command))

    def log(self, name: str) -> Path:
        """Where a process prints."""
        return self._folder / f"{name}.log"

    def processes(self, *nodes: int) -> dict[str, list[int]]:
        """Those of some nodes, by their part; each without its children."""
        found: dict[str, list[int]] = {part: [] for part in (*PARTS, REST)}
        for pid in [pid for node in nodes for pid in self._machines.processes(node)]:
            if part := part_of(pid):
                found[part].append(pid)
        return found

    def kill(self, node: int) -> None:
        """End all processes of a node at once."""
        while pids := self._machines.processes(node):  # some may be starting others
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._started[node].poll()

    def terminate(self, node: int) -> None:
        """Stop Ray on a node by SIGTERM, as an orchestrator does; what is left after that is killed."""
        self._started[node].terminate()
        self._started[node].wait()
        self.kill(node)

    def stop(self) -> None:
        """Stop all of them."""
        for node in reversed(list(self._started)):
            self.kill(node)

    def _run(self, node: int, name: str, command: tuple[str, ...]) -> Process:
        with self.log(name).open("ab") as log:
            return self._machines.start(node, command, self._variables, log.fileno())


def part_of(pid: int) -> str | None:
    """The part that a process is of; None if it is of none."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:  # it has ended
        return None
    name = words[0].rpartition("/")[2]
    if not name or WATCHER in words:
        return None
    return next((part for part, begin in PARTS.items() if name.startswith(begin)), REST)
