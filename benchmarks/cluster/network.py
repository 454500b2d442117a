"""Where balancer and services run: in network namespaces with links to cut, or, without root, on loopback addresses."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL
from typing import Protocol

Process = subprocess.Popen[bytes]


class Network(Protocol):
    """The machines of a cluster: number 0 is the balancer's, and those from 1 on are the services'.

    Attributes:
        title: for the page.
        name_server: address of the DNS server, as the balancer reaches it.
        can_cut: whether links can be cut.
    """

    title: str
    name_server: str
    can_cut: bool

    def address(self, machine: int) -> str:
        """Where a machine is reached: the balancer from clients, a service from the balancer."""

    def ports(self) -> tuple[int, int]:
        """Of the balancer, for clients and for its statistics."""

    def service_port(self) -> int:
        """Of each service."""

    def variables(self) -> Mapping[str, str]:
        """Of the balancer's environment."""

    def start(
        self, machine: int, command: Sequence[str], variables: Mapping[str, str], output: int = DEVNULL
    ) -> Process:
        """Start a process on a machine, with all that it prints to a file descriptor."""

    def cut(self, machine: int) -> None:
        """Take a service's link down."""

    def join(self, machine: int) -> None:
        """Take it up again."""

    def remove(self) -> None:
        """Remove the machines, whose processes have ended."""


class Namespaces:
    """A namespace for each machine, with a link of its own to the balancer's; clients are here, one link before it.

    The networks are those that RFC 2544 reserves for measurements.
    """

    title = "network namespaces with a veth link each"
    name_server = "198.18.0.1:53"
    can_cut = True

    def __init__(self, services: int) -> None:
        self._names = [f"nalu-{os.getpid()}-{machine}" for machine in range(services + 1)]
        try:
            for name in self._names:
                _ip("netns", "add", name)
                _ip("-n", name, "link", "set", "lo", "up")
            self._link(0, None, "client0")
            for machine in range(1, services + 1):
                self._link(machine, self._names[0], f"serve{machine}")
        except subprocess.CalledProcessError as error:  # as when another run has made the same link
            self.remove()
            raise SystemExit(
                f"`{' '.join(error.cmd)}` failed; wait for another run to end, or run without root."
            ) from None

    def address(self, machine: int) -> str:
        return f"198.18.{machine}.2"

    def ports(self) -> tuple[int, int]:
        return 8000, 8404

    def service_port(self) -> int:
        return 8000

    def variables(self) -> Mapping[str, str]:
        return {}

    def start(
        self, machine: int, command: Sequence[str], variables: Mapping[str, str], output: int = DEVNULL
    ) -> Process:
        return _start(["nsenter", f"--net=/run/netns/{self._names[machine]}", "--", *command], output, variables)

    def cut(self, machine: int) -> None:
        _ip("-n", self._names[machine], "link", "set", "eth0", "down")

    def join(self, machine: int) -> None:
        _ip("-n", self._names[machine], "link", "set", "eth0", "up")

    def remove(self) -> None:
        for name in self._names:
            if Path("/run/netns", name).exists():
                _ip("netns", "delete", name)  # and its links with it

    def _link(self, machine: int, other: str | None, device: str) -> None:
        """A link between a machine's eth0 and a device of another namespace, None for the one that this runs in."""
        there = ("-n", other) if other else ()
        peer = ("peer", "name", "eth0", "netns", self._names[machine])
        _ip(*there, "link", "add", device, "type", "veth", *peer)
        for namespace, name, end in ((there, device, 1), (("-n", self._names[machine]), "eth0", 2)):
            _ip(*namespace, "address", "add", f"198.18.{machine}.{end}/30", "dev", name)
            _ip(*namespace, "link", "set", name, "up")


class Loopback:
    """Addresses 127.0.0.11 and so on, for who is not root; links cannot be cut."""

    title = "loopback addresses, as without root; links are not cut"
    name_server = "127.0.0.1:9253"
    can_cut = False

    def address(self, machine: int) -> str:
        return f"127.0.0.{10 + machine}" if machine else "127.0.0.1"

    def ports(self) -> tuple[int, int]:
        return 9200, 9201

    def service_port(self) -> int:
        return 9202

    def variables(self) -> Mapping[str, str]:
        return {
            "NALU_BIND": "127.0.0.1:9200",
            "NALU_STATS_BIND": "127.0.0.1:9201",
            "NALU_SERVE": "serve:9202",
            "NALU_SPARE": "nalu:9202",
        }

    def start(
        self,
        machine: int,  # noqa: ARG002 - all are this one
        command: Sequence[str],
        variables: Mapping[str, str],
        output: int = DEVNULL,
    ) -> Process:
        return _start(command, output, variables)

    def cut(self, machine: int) -> None:
        raise NotImplementedError("A loopback address has no link to cut.")

    join = cut

    def remove(self) -> None:
        pass


def network(services: int) -> Network:
    """Namespaces where they can be made, else loopback."""
    return Namespaces(services) if can_make_namespaces() else Loopback()


def can_make_namespaces() -> bool:
    """Whether this process is root and the programs are there."""
    return os.geteuid() == 0 and all(map(shutil.which, ("ip", "nsenter"))) and Path("/proc/self/ns/net").exists()


def _start(command: Sequence[str], output: int, variables: Mapping[str, str]) -> Process:
    return subprocess.Popen(command, env={**os.environ, **variables}, stdout=output, stderr=output)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
