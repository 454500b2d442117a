"""app.transport.read_scheduler: what is put aside comes in its order, in pieces, and not to those who have gone."""

import asyncio
import time
from collections.abc import Callable
from time import perf_counter

import pytest

from app.transport import read_scheduler
from app.transport.read_scheduler import ReadScheduler


class Connection:
    """Notes what it is given; takes as long for each as it is told."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.lost = False
        self.taken: list[bytes] = []
        self.read_at: list[float] = []
        self._seconds = seconds

    def take(self, data: bytes, read_at: float) -> None:
        self.taken.append(data)
        self.read_at.append(read_at)
        self.rest(self._seconds)

    def rest(self, seconds: float) -> None:
        """Hold the event loop."""
        time.sleep(seconds)


async def turns(until: Callable[[], bool]) -> int:
    """Turns of the loop until that holds."""
    count = 0
    while not until():
        await asyncio.sleep(0)
        count += 1
        assert count < 10_000
    return count


def test_what_comes_in_a_short_turn_is_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_scheduler, "TIME_SLICE_SECONDS", 60)  # however busy the machine is

    async def scenario() -> None:
        queue, connection = ReadScheduler(60), Connection()
        for number in range(100):
            queue.put(connection, b"%d" % number)
            assert len(connection.taken) == number + 1

    asyncio.run(scenario())


def test_a_turn_that_lasts_is_cut_short_and_the_rest_comes_in_its_order_over_several_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(read_scheduler, "TIME_SLICE_SECONDS", 0.005)

    async def scenario() -> None:
        queue, connections = ReadScheduler(60), [Connection(0.002), Connection(0.002)]
        before = perf_counter()
        for number in range(40):
            queue.put(connections[number % 2], b"%d" % number)
        at_once = sum(len(connection.taken) for connection in connections)
        read = perf_counter()
        assert 1 <= at_once <= 4
        assert await turns(lambda: sum(len(connection.taken) for connection in connections) == 40) > 5
        assert [connection.taken for connection in connections] == [
            [b"%d" % number for number in range(40) if number % 2 == odd] for odd in (0, 1)
        ]
        # what waited says when it was read, and not when it was taken
        assert all(before <= when <= read for connection in connections for when in connection.read_at)

    asyncio.run(scenario())


def test_what_comes_while_others_wait_does_not_overtake_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_scheduler, "TIME_SLICE_SECONDS", 0.002)

    async def scenario() -> None:
        queue, connection = ReadScheduler(60), Connection(0.003)
        for number in range(5):
            queue.put(connection, b"%d" % number)
        await asyncio.sleep(0)
        queue.put(connection, b"late")
        await turns(lambda: len(connection.taken) == 6)
        assert connection.taken == [b"0", b"1", b"2", b"3", b"4", b"late"]

    asyncio.run(scenario())


def test_what_came_from_a_connection_that_ended_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_scheduler, "TIME_SLICE_SECONDS", 0.001)

    async def scenario() -> None:
        queue, first, gone, last = ReadScheduler(60), Connection(0.002), Connection(), Connection()
        for connection in (first, gone, last):
            queue.put(connection, b"data")
        gone.lost = True
        await turns(lambda: last.taken == [b"data"])
        assert gone.taken == []

    asyncio.run(scenario())


def test_other_work_of_the_loop_has_its_turn_between_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_scheduler, "TIME_SLICE_SECONDS", 0.002)

    async def scenario() -> None:
        queue, connection, seen = ReadScheduler(60), Connection(0.001), []
        for number in range(50):
            queue.put(connection, b"%d" % number)
        while len(connection.taken) < 50:
            asyncio.get_running_loop().call_soon(lambda: seen.append(len(connection.taken)))
            await asyncio.sleep(0)
        assert len(set(seen)) > 5

    asyncio.run(scenario())


def test_with_each_that_waited_too_long_the_last_is_taken_too_and_a_connection_keeps_its_own_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(read_scheduler, "TIME_SLICE_SECONDS", 0.001)
    order: list[str] = []

    class Named(Connection):
        def __init__(self, name: str) -> None:
            super().__init__(0.002)
            self.name = name

        def take(self, data: bytes, read_at: float) -> None:
            order.append(f"{self.name}{data.decode()}")
            super().take(data, read_at)

    async def scenario() -> None:
        queue, first, second, last = ReadScheduler(0.01), Named("a"), Named("b"), Named("c")
        queue.put(first, b"0")
        for reader in (first, second, last):
            for part in (b"1", b"2"):
                queue.put(reader, part)
        first.rest(0.02)
        await turns(lambda: len(order) == 7)
        assert order == ["a0", "a1", "c1", "a2", "c2", "b1", "b2"]

    asyncio.run(scenario())
