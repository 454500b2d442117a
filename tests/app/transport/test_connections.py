"""How many connections there may be, and how long each may wait for its client: the table alone."""

from typing import Any

import pytest

from app.errors import HeadTimeoutError, ServiceError
from app.observability.metrics import Metrics
from app.settings import Settings
from app.transport import connections
from app.transport.connections import ConnectionTable, Phase, address_group

LIVE = (Phase.RESPONSE, Phase.CLOSING, Phase.REJECTED)


class Transport:
    def __init__(self) -> None:
        self.unsent = 0
        self.ended = ""

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


class FakeConnection:
    """A connection in a phase that the test sets."""

    waiting_since: float | None = None

    def __init__(self, phase: Phase = Phase.NEW, address: str | None = "192.0.2.1") -> None:
        self.transport: Any = Transport()
        self.client = None if address is None else (address, 5)
        self.current = phase
        self.error: ServiceError | None = None

    @property
    def ended(self) -> str:
        return str(self.transport.ended)

    def phase(self) -> Phase:
        return Phase.CLOSING if self.ended else self.current

    def enter(self, phase: Phase) -> None:
        self.current, self.waiting_since = phase, None

    def reject(self, error: ServiceError) -> None:
        self.error = error
        self.enter(Phase.REJECTED)


class Clocked:
    """A table with a clock that the test moves."""

    def __init__(self, **settings: Any) -> None:
        values = {"head_timeout_seconds": 10, "keep_alive_seconds": 60, "send_timeout_seconds": 20} | settings
        self.now = 1000.0
        self.metrics = Metrics(list)
        read = Settings(**values)
        self.table = ConnectionTable(read, read.max_connections, self.metrics, lambda: self.now)

    def add(self, *args: Any) -> FakeConnection:
        connection = FakeConnection(*args)
        connection.within = self.table.add(connection)  # type: ignore[attr-defined]
        return connection

    def sweep(self, seconds: float) -> None:
        """Twice a second for some seconds."""
        for _ in range(round(seconds / connections.SWEEP_SECONDS)):
            self.now += connections.SWEEP_SECONDS
            self.table.sweep(list(self.table))

    def closed(self, reason: str) -> float:
        return self.metrics.registry.get_sample_value("nalu_closed_connections_total", {"reason": reason}) or 0


def test_a_connection_that_sends_nothing_is_closed_after_the_time_of_a_head() -> None:
    clocked = Clocked()
    silent = clocked.add()
    clocked.sweep(9.5)
    assert not silent.ended
    clocked.sweep(0.5)
    assert silent.ended == "closed"
    assert clocked.closed("silent") == 1


def test_half_a_head_gets_408_after_the_time_of_a_head_counted_from_the_first_byte_of_the_connection() -> None:
    clocked = Clocked()
    slow = clocked.add()
    clocked.sweep(6)
    slow.current = Phase.HEAD  # bytes came, which start no new time
    clocked.sweep(4)
    assert isinstance(slow.error, HeadTimeoutError)
    assert slow.error.detail == (
        "The request's head was not received within 10 seconds, which is the limit; send it faster."
    )
    clocked.sweep(connections.LINGER_SECONDS + 1)
    assert slow.ended == "aborted"


def test_an_idle_connection_is_closed_after_its_time_and_a_request_starts_it_anew() -> None:
    clocked = Clocked()
    idle = clocked.add()
    for _ in range(3):
        idle.enter(Phase.RESPONSE)
        clocked.sweep(100)
        idle.enter(Phase.IDLE)
        clocked.sweep(60)
    assert not idle.ended
    clocked.sweep(1)
    assert idle.ended == "closed"
    assert clocked.closed("idle") == 1


def test_a_later_head_has_its_own_time() -> None:
    clocked = Clocked()
    connection = clocked.add(Phase.IDLE)
    clocked.sweep(50)
    connection.enter(Phase.HEAD)
    clocked.sweep(9)
    assert connection.error is None
    clocked.sweep(2)
    assert connection.error is not None


@pytest.mark.parametrize("phase", [Phase.RESPONSE, Phase.IDLE, Phase.CLOSING])
def test_a_client_that_takes_nothing_of_its_response_is_cut_off(phase: Phase) -> None:
    clocked = Clocked(keep_alive_seconds=1000)
    reader = clocked.add(phase)
    reader.transport.unsent = 1_000_000
    clocked.sweep(20)
    assert not reader.ended
    clocked.sweep(1)
    assert reader.ended == "aborted"
    assert clocked.closed("not_reading") >= 1


@pytest.mark.parametrize(("bytes_a_second", "cut_off"), [(100, True), (3000, True), (3500, False), (100_000, False)])
def test_a_client_has_to_take_64_kib_in_the_time(bytes_a_second: int, cut_off: bool) -> None:
    clocked = Clocked()
    reader = clocked.add(Phase.RESPONSE)
    reader.transport.unsent = 10_000_000
    for _ in range(60):
        reader.transport.unsent = max(0, reader.transport.unsent - bytes_a_second)
        clocked.sweep(1)
    assert bool(reader.ended) is cut_off


def test_a_client_that_takes_all_in_time_has_new_time_for_the_next_response() -> None:
    clocked = Clocked()
    reader = clocked.add(Phase.RESPONSE)
    for _ in range(10):
        reader.transport.unsent = 60_000
        clocked.sweep(15)
        reader.transport.unsent = 0
        clocked.sweep(1)
    assert not reader.ended


@pytest.mark.parametrize("phase", [Phase.NEW, Phase.IDLE])
def test_one_too_many_takes_the_place_of_the_one_that_has_idled_longest(phase: Phase) -> None:
    clocked = Clocked(max_connections=3)
    live = clocked.add(Phase.RESPONSE)
    waiting = [clocked.add(phase) for _ in range(2)]
    clocked.sweep(1)
    newest = [clocked.add() for _ in range(3)]
    assert [one.ended for one in waiting] == ["aborted", "aborted"]
    assert (newest[0].ended, newest[1].ended, live.ended) == ("aborted", "", "")
    assert all(one.within for one in newest)  # type: ignore[attr-defined]
    assert (len(clocked.table), clocked.closed("evicted")) == (3, 3)


def test_half_a_head_makes_place_only_where_none_is_idle() -> None:
    clocked = Clocked(max_connections=2)
    half = clocked.add(Phase.HEAD)
    clocked.now += 5
    idle = clocked.add(Phase.IDLE)
    clocked.add(Phase.RESPONSE)
    assert (idle.ended, half.ended) == ("aborted", "")
    clocked.add(Phase.RESPONSE)
    assert half.ended == "aborted"


def test_beyond_live_connections_some_are_let_in_for_probes_and_the_rest_is_closed() -> None:
    clocked = Clocked(max_connections=5)
    live = [clocked.add(Phase.RESPONSE) for _ in range(5)]
    more = [clocked.add(Phase.RESPONSE) for _ in range(connections.PROBE_CONNECTIONS + 3)]
    assert not any(one.within for one in more)  # type: ignore[attr-defined]
    assert [one.ended for one in more[-3:]] == ["aborted"] * 3
    assert not any(one.ended for one in (*live, *more[:-3]))
    assert clocked.closed("over_limit") == 3
    for one in more[:-3]:
        clocked.table.remove(one)
    live[0].enter(Phase.IDLE)
    clocked.now += connections.SEARCH_SECONDS
    assert clocked.add().within  # type: ignore[attr-defined]


def test_an_address_has_a_limit_of_its_own_and_others_do_not_pay_for_it() -> None:
    clocked = Clocked(max_connections_per_address=2)
    other = clocked.add(Phase.IDLE, "192.0.2.2")
    same = [clocked.add(Phase.IDLE) for _ in range(3)]
    assert [one.ended for one in (other, *same)] == ["", "aborted", "", ""]
    for one in same[1:]:
        one.enter(Phase.RESPONSE)
    assert not clocked.add().within  # type: ignore[attr-defined]
    assert clocked.add(Phase.NEW, "192.0.2.3").within  # type: ignore[attr-defined]
    clocked.table.remove(same[1])
    clocked.table.remove(same[2])
    assert clocked.add().within  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::1", "127.0.0.1", False),
    ],
)
def test_whose_address_it_is(one: str, other: str, same: bool) -> None:
    groups = [address_group(FakeConnection(Phase.NEW, address)) for address in (one, other)]
    assert None not in groups
    assert (groups[0] == groups[1]) is same


@pytest.mark.parametrize("address", [None, "", "socket"])
def test_a_unix_socket_has_no_address_and_no_limit_by_it(address: str | None) -> None:
    clocked = Clocked(max_connections_per_address=1)
    assert all(clocked.add(Phase.RESPONSE, address).within for _ in range(3))  # type: ignore[attr-defined]


def test_an_ended_connection_is_forgotten_once() -> None:
    clocked = Clocked(max_connections_per_address=1)
    connection = clocked.add()
    clocked.table.remove(connection)
    clocked.table.remove(connection)
    assert len(clocked.table) == 0
    assert clocked.add().within  # type: ignore[attr-defined]


def test_a_flood_of_new_connections_does_not_search_all_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    clocked = Clocked(max_connections=500)
    looked = 0

    def phase(self: FakeConnection) -> Phase:
        nonlocal looked
        looked += 1
        return self.current

    monkeypatch.setattr(FakeConnection, "phase", phase)
    for kind in (Phase.IDLE, Phase.RESPONSE):
        for _ in range(500):
            clocked.add(kind)
    evicting, looked = looked, 0
    for _ in range(500):
        clocked.add(Phase.RESPONSE)
    assert evicting < 500 * 30  # instead of 500 a connection
    assert looked < 500 * 5
