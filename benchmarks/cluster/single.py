"""One service with nothing before it, to compare with."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from benchmarks.cluster.cluster import Cluster, Fault
from benchmarks.serving.processor_time import processes
from benchmarks.serving.servers import cores, serving


class SingleService(Cluster):
    """See the module; ``benchmarks.cluster.cluster`` explains the names."""

    name = "service alone"
    host = "127.0.0.1"

    @property
    def faults(self) -> Mapping[str, Fault]:
        """None: without another service, each loses requests."""
        return {}

    def start(self, stack: ExitStack) -> None:
        self._server = stack.enter_context(serving("service", cores()))
        self.port = self._server.port

    def processes(self) -> Mapping[str, Sequence[int]]:
        """Of the service."""
        return {"service": processes(self._server.process.pid)}
