"""One service with nothing before it, to compare with."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from benchmarks.cluster.cluster import Fault
from benchmarks.serving.servers import cores, processes, serving


class SingleService:
    """See the module; ``benchmarks.cluster.cluster`` explains the names."""

    name = "service alone"
    host = "127.0.0.1"

    @property
    def faults(self) -> Mapping[str, Fault]:
        """None: without another service, each loses requests."""
        return {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._server = stack.enter_context(serving("service", cores()))
            self.port = self._server.port
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def processes(self) -> Mapping[str, Sequence[int]]:
        """Of the service."""
        return {"service": processes(self._server.process.pid)}
