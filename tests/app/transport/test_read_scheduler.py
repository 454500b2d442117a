"""app.transport.read_scheduler: queued data come in order, in slices, and not to connections that have ended."""

import asyncio
from collections.abc import Callable

import pytest

from app.transport.read_scheduler import TIME_SLICE_SECONDS, ReadScheduler

LATE_SECONDS = 2.0
LONG = 0.3 * TIME_SLICE_SECONDS
"""Of which a time slice holds three, and begins a fourth."""


class Clock:
    """Time that passes only where a test lets it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Connection:
    """Records its data; processing each takes the seconds it is given."""

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        self.flow = self
        self.paused = False
        self.taken: list[bytes] = []
        self.read_at: list[float] = []
        self._clock = clock
        self._seconds = seconds

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def take(self, data: bytes, read_at: float) -> None:
        self.taken.append(data)
        self.read_at.append(read_at)
        self._clock.now += self._seconds


async def turns(until: Callable[[], bool]) -> int:
    """Turns of the loop until that holds."""
    count = 0
    while not until():
        await asyncio.sleep(0)
        count += 1
        assert count < 10_000
    return count


def test_what_comes_in_a_short_turn_is_taken_at_once() -> None:
    async def scenario() -> None:
        clock = Clock()
        scheduler, connection = ReadScheduler(LATE_SECONDS, clock), Connection(clock)
        for number in range(100):
            scheduler.put(connection, b"%d" % number)
            assert len(connection.taken) == number + 1

    asyncio.run(scenario())


def test_a_turn_that_lasts_is_cut_short_and_the_rest_comes_in_its_order_over_several_turns() -> None:
    async def scenario() -> None:
        clock = Clock()
        scheduler, connections = ReadScheduler(LATE_SECONDS, clock), [Connection(clock, LONG), Connection(clock, LONG)]
        before = clock.now
        for number in range(40):
            scheduler.put(connections[number % 2], b"%d" % number)
        assert sum(len(connection.taken) for connection in connections) == 4
        read = clock.now
        assert await turns(lambda: sum(len(connection.taken) for connection in connections) == 40) == 9
        assert [connection.taken for connection in connections] == [
            [b"%d" % number for number in range(40) if number % 2 == odd] for odd in (0, 1)
        ]
        # queued data come with the time when they were read, not when they were taken
        assert all(before <= when <= read for connection in connections for when in connection.read_at)

    asyncio.run(scenario())


def test_what_comes_while_others_wait_does_not_overtake_them() -> None:
    async def scenario() -> None:
        clock = Clock()
        scheduler, connection = ReadScheduler(LATE_SECONDS, clock), Connection(clock, TIME_SLICE_SECONDS)
        for number in range(5):
            scheduler.put(connection, b"%d" % number)
        await asyncio.sleep(0)
        scheduler.put(connection, b"late")
        await turns(lambda: len(connection.taken) == 6)
        assert connection.taken == [b"0", b"1", b"2", b"3", b"4", b"late"]

    asyncio.run(scenario())


def test_what_came_from_a_connection_that_ended_is_dropped() -> None:
    async def scenario() -> None:
        clock = Clock()
        scheduler = ReadScheduler(LATE_SECONDS, clock)
        first, ended, last = Connection(clock, TIME_SLICE_SECONDS), Connection(clock), Connection(clock)
        for connection in (first, ended, last):
            scheduler.put(connection, b"data")
        scheduler.drop(ended)
        await turns(lambda: last.taken == [b"data"])
        assert ended.taken == []

    asyncio.run(scenario())


def test_other_work_of_the_loop_has_its_turn_between_the_slices() -> None:
    async def scenario() -> None:
        clock, seen = Clock(), []
        scheduler, connection = ReadScheduler(LATE_SECONDS, clock), Connection(clock, LONG)
        for number in range(24):
            scheduler.put(connection, b"%d" % number)
        while len(connection.taken) < 24:
            seen.append(len(connection.taken))
            await asyncio.sleep(0)
        assert seen == [4, 8, 12, 16, 20]

    asyncio.run(scenario())


class NamedConnection(Connection):
    """Notes its data with its name; processing each takes a time slice."""

    def __init__(self, name: str, clock: Clock, order: list[str]) -> None:
        super().__init__(clock, TIME_SLICE_SECONDS)
        self._name, self._order = name, order

    def take(self, data: bytes, read_at: float) -> None:
        self._order.append(f"{self._name}{data.decode()}")
        super().take(data, read_at)


def test_with_each_that_waited_too_long_the_last_is_taken_too_and_a_connection_keeps_its_own_order() -> None:
    async def scenario() -> None:
        clock, order = Clock(), []
        scheduler = ReadScheduler(LATE_SECONDS, clock)
        first, second, last = (NamedConnection(name, clock, order) for name in "abc")
        scheduler.put(first, b"0")
        for reader in (first, second, last):
            for part in (b"1", b"2"):
                scheduler.put(reader, part)
        clock.now += 2 * LATE_SECONDS
        await turns(lambda: len(order) == 7)
        assert order == ["a0", "a1", "c1", "a2", "c2", "b1", "b2"]

    asyncio.run(scenario())


def test_one_that_waited_too_long_alone_does_not_change_the_order() -> None:
    async def scenario() -> None:
        clock, order = Clock(), []
        scheduler = ReadScheduler(LATE_SECONDS, clock)
        first, *others = (NamedConnection(name, clock, order) for name in "abcd")
        scheduler.put(first, b"0")
        scheduler.put(first, b"1")
        clock.now += 2 * LATE_SECONDS
        for reader in others:
            scheduler.put(reader, b"1")
        await turns(lambda: len(order) == 5)
        assert order == ["a0", "a1", "b1", "c1", "d1"]

    asyncio.run(scenario())


def test_the_delay_is_that_of_the_oldest_data_of_a_connection_that_has_not_ended() -> None:
    async def scenario() -> None:
        clock = Clock()
        scheduler = ReadScheduler(LATE_SECONDS, clock)
        first, second, third = Connection(clock, TIME_SLICE_SECONDS), Connection(clock), Connection(clock)
        assert scheduler.delay == 0
        for reader in (first, second, third):
            scheduler.put(reader, b"data")
            clock.now += 1
        assert scheduler.delay == pytest.approx(2)
        scheduler.drop(second)
        scheduler.drop(first)  # it has nothing in the queue
        assert scheduler.delay == pytest.approx(1)

    asyncio.run(scenario())


def test_a_connection_with_two_parts_in_the_queue_is_not_read_until_both_are_processed() -> None:
    async def scenario() -> None:
        clock = Clock()
        scheduler, sender, other = ReadScheduler(LATE_SECONDS, clock), Connection(clock), Connection(clock)
        scheduler.put(Connection(clock, TIME_SLICE_SECONDS), b"long")
        for reader, data in ((other, b"0"), (sender, b"1")):
            scheduler.put(reader, data)
        assert not sender.paused
        scheduler.put(sender, b"2")
        assert (sender.paused, other.paused) == (True, False)
        await turns(lambda: sender.taken == [b"1", b"2"])
        assert not sender.paused

    asyncio.run(scenario())
