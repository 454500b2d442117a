"""New connections: how many are accepted at a time, and for how long others wait to be.

The kernel queues them in the order of their arrival. An event loop under load accepts few of them, and who has waited
longer than its patience is gone when its turn comes: the service would work for nobody, at full load. So a queue may
hold only as many connections as were lately accepted within the time limit, and next to none while requests of those
that are open wait longer than that. The kernel drops the others' attempts, which costs this process nothing, and their
clients repeat them after a second, as TCP has it.
"""

import asyncio
import socket
import struct
from time import perf_counter

from app.service import Service
from app.transport.connections import ConnectionTable
from app.transport.read_scheduler import ReadScheduler

BACKLOG = 2048
"""Most connections that wait for the event loop, where it is not overloaded."""
LEAST_BACKLOG = 16
"""Connections that may wait in any case, unless requests do."""
ACCEPTS_IN_A_TURN = 8
"""Connections accepted in one turn of the event loop. uvloop accepts one, as libuv does, and each request of a new
connection would have a turn and a batch of its own."""
INTERVAL_SECONDS = 0.05
"""Interval of the looks at the queues."""


def several(listener: socket.socket) -> list[socket.socket]:
    """The socket and copies of it, of each of which the event loop accepts one connection in a turn."""
    return [listener, *(listener.dup() for _ in range(ACCEPTS_IN_A_TURN - 1))]


class AcceptQueue:
    """The queues of the connections that this process is to accept.

    Args:
        service: has the listening sockets, and the longest delay, of which connections get half to be accepted.
        connections: counts those that were accepted.
        read_scheduler: tells how long requests of the open connections wait to be read.
    """

    def __init__(self, service: Service, connections: ConnectionTable, read_scheduler: ReadScheduler) -> None:
        self._service = service
        self._connections = connections
        self._read_scheduler = read_scheduler
        self._max_seconds = service.settings.max_queue_delay_seconds / 2
        self._bounded: dict[socket.socket, bool] = {}
        """Sockets whose queue was too long at the last look, and whether it is bounded."""

    async def watch(self) -> None:
        """Bound the queues until cancelled."""
        before, looked_at = self._connections.accepted, perf_counter()
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            accepted, now = self._connections.accepted, perf_counter()
            self.bound((accepted - before) / (now - looked_at))
            before, looked_at = accepted, now

    def bound(self, rate: float) -> None:
        """Bound each queue that is too long at two looks in a row, until it is half as long as it may be.

        Args:
            rate: connections that were accepted a second.
        """
        most = min(BACKLOG, max(LEAST_BACKLOG, round(rate * self._max_seconds)))
        if self._read_scheduler.delay > self._max_seconds:
            most = 1
        for listener in self._service.listeners:
            waiting = waiting_connections(listener)
            if waiting is None:
                continue
            if listener in self._bounded and waiting <= most // 2 and most > 1:
                if self._bounded.pop(listener):
                    listener.listen(BACKLOG)
            elif listener in self._bounded:
                self._bounded[listener] = True
                listener.listen(most)
            elif waiting > most:
                self._bounded[listener] = False


def waiting_connections(listener: socket.socket) -> int | None:
    """How many connections wait to be accepted, as Linux counts them for TCP; else None."""
    try:
        information = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUE_LENGTH.size)
    except (AttributeError, OSError):  # another system; a Unix socket, or one that is closed
        return None
    return int(_QUEUE_LENGTH.unpack(information)[0])


_QUEUE_LENGTH = struct.Struct("24xI")
"""``tcpi_unacked`` of ``struct tcp_info``, which is the length of a listening socket's queue."""
