"""What the rounds need of a cluster: where it listens, and how it can be broken."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

Fault = Callable[[], Awaitable[None]]
"""Breaks something, waits a while, and returns when all is repaired and serves again."""


class Cluster(ABC):
    """Several services behind one address; it runs within its ``with`` block.

    Attributes:
        name: for the tables.
        host: address that clients connect to.
        port: as that.
    """

    name: str
    host: str
    port: int

    @property
    @abstractmethod
    def faults(self) -> Mapping[str, Fault]:
        """By what breaks."""

    @abstractmethod
    def processes(self) -> Mapping[str, Sequence[int]]:
        """All processes that a request costs time in, by their part in it; a process that one started is listed too."""

    @abstractmethod
    def start(self, stack: ExitStack) -> None:
        """Start it, and put on the stack what stops it; returns when it answers and all its services take part."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
