"""What the rounds need of a cluster: where it listens, and how it can be broken."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

Fault = Callable[[], Awaitable[None]]
"""Breaks something, waits a while, and returns when all is repaired and serves again."""


class Cluster(Protocol):
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
    def faults(self) -> Mapping[str, Fault]:
        """By what breaks."""

    def processes(self) -> Mapping[str, Sequence[int]]:
        """All processes that a request costs time in, by their part in it; a process that one started is listed too."""

    def __enter__(self) -> Self:
        """Start it; returns when it answers and all its services take part."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
