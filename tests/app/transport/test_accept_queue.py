"""app.transport.accept_queue: how many connections wait, and how many are accepted at a time."""

import asyncio
import pickle
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop

from app.transport import workers
from app.transport.accept_queue import (
    ACCEPTS_IN_A_TURN,
    BACKLOG,
    LEAST_BACKLOG,
    AcceptQueue,
    several,
    waiting_connections,
)

MAX_SECONDS = 0.25


class Listener:
    """A listening socket of a made-up queue."""

    def __init__(self) -> None:
        self.waiting = 0
        self.backlogs: list[int] = []

    def listen(self, backlog: int) -> None:
        self.backlogs.append(backlog)


class Load:
    """A queue of connections, and how long requests wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.transport.accept_queue.waiting_connections", lambda listener: listener.waiting)
        self.listener, self.delay = Listener(), 0.0
        settings = SimpleNamespace(max_queue_delay_seconds=2 * MAX_SECONDS)
        service: Any = SimpleNamespace(listeners=[self.listener], settings=settings)
        connections: Any = SimpleNamespace(accepted=0)
        self._queue = AcceptQueue(service, connections, self)  # type: ignore[arg-type]  # it has a delay

    def look(self, waiting: int, rate: float) -> list[int]:
        """What the queue is bounded by after a look at it."""
        self.listener.waiting = waiting
        self.listener.backlogs.clear()
        self._queue.bound(rate)
        return self.listener.backlogs


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    return Load(monkeypatch)


def test_a_queue_that_is_too_long_twice_is_bounded_by_what_is_accepted_in_time(load: Load) -> None:
    assert load.look(101, rate=400) == []  # a burst may be gone at the next look
    assert load.look(500, rate=400) == [100]
    assert load.look(400, rate=800) == [200]
    assert load.look(101, rate=800) == [200]
    assert load.look(100, rate=800) == [BACKLOG]
    assert load.look(100, rate=800) == []


def test_a_burst_that_is_accepted_by_the_next_look_changes_nothing(load: Load) -> None:
    assert load.look(1000, rate=0) == load.look(8, rate=4000) == load.look(0, rate=0) == []


def test_a_few_connections_may_wait_however_slowly_they_are_accepted(load: Load) -> None:
    assert load.look(LEAST_BACKLOG, rate=0) == load.look(LEAST_BACKLOG, rate=0) == []


def test_no_more_are_accepted_than_can_be_while_requests_wait_too_long(load: Load) -> None:
    load.delay = MAX_SECONDS + 0.01
    assert load.look(0, rate=4000) == load.look(1, rate=4000) == []
    assert load.look(2, rate=4000) == []
    assert load.look(2, rate=4000) == [1]
    assert load.look(0, rate=4000) == [1]
    load.delay = 0
    assert load.look(0, rate=4000) == [BACKLOG]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def connected(listener: socket.socket, clients: ExitStack) -> bool:
    """Whether the kernel takes one more connection."""
    client = clients.enter_context(socket.socket())
    client.setblocking(False)
    client.connect_ex(listener.getsockname())
    return bool(select.select([], [client], [], 0.02)[1])


def test_the_kernel_counts_those_that_wait_and_takes_no_more_than_the_bound(listener: socket.socket) -> None:
    with ExitStack() as clients:
        assert waiting_connections(listener) == 0
        assert [connected(listener, clients) for _ in range(3)] == [True] * 3
        assert waiting_connections(listener) == 3
        listener.listen(1)
        assert not connected(listener, clients)
        listener.listen(BACKLOG)
        assert connected(listener, clients)
        assert waiting_connections(listener) == 4


def test_the_queue_of_a_unix_socket_or_a_closed_one_is_unknown(listener: socket.socket) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        assert waiting_connections(unix) is None
    listener.close()
    assert waiting_connections(listener) is None


def test_uvloop_accepts_several_connections_in_a_turn(listener: socket.socket) -> None:
    made: list[asyncio.BaseProtocol] = []

    class Protocol(asyncio.Protocol):
        def connection_made(self, _: asyncio.BaseTransport) -> None:
            made.append(self)

    async def accept() -> int:
        loop = asyncio.get_running_loop()
        copies = several(listener)
        servers = [await loop.create_server(Protocol, sock=each, backlog=BACKLOG) for each in copies]
        with ExitStack() as clients:
            assert all(connected(listener, clients) for _ in range(ACCEPTS_IN_A_TURN))
            turns = 0
            while len(made) < ACCEPTS_IN_A_TURN:
                await asyncio.sleep(0)
                turns += 1
        for server in servers:
            server.close()
        return turns

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(accept()) <= ACCEPTS_IN_A_TURN // 2


def test_a_worker_accepts_from_copies_of_its_own_socket() -> None:
    with socket.socket() as reserved, ExitStack() as opened:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", 0))
        sent = pickle.dumps(workers.worker_sockets(reserved, workers=1))
        own, *copies = (opened.enter_context(each) for each in pickle.loads(sent))
        workers.LISTENERS.clear()
        workers.REPLACEMENTS.clear()
        own.listen(1)
        with socket.create_connection(reserved.getsockname()):
            assert [waiting_connections(copy) for copy in copies] == [1] * (ACCEPTS_IN_A_TURN - 1)
        assert len({own.fileno(), *(copy.fileno() for copy in copies)}) == ACCEPTS_IN_A_TURN
