import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.auth.rate_limiter import Limiter, RateLimiter
from app.auth.shared_rate_limiter import SharedRateLimiter
from app.settings.rate import Rate, parse_rate

Make = Callable[[Callable[[], float]], Limiter]


@pytest.fixture(params=["one-process", "shared"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes a limiter with a clock."""
    shared: list[SharedRateLimiter] = []

    def make_shared(clock: Callable[[], float]) -> Limiter:
        shared.append(SharedRateLimiter(tmp_path, clock))
        return shared[-1]

    yield RateLimiter if request.param == "one-process" else make_shared
    for each in shared:
        each.close()


def admitted(limiter: Limiter, rate: Rate, requests: int, name: str = "alice") -> int:
    return sum(limiter.acquire(name, rate) == 0 for _ in range(requests))


@pytest.mark.parametrize("text", ["100/s", "6000/min", "1/h", "3/min", "7/s", "49/h", "997/min"])
def test_a_whole_period_s_requests_may_come_at_once_and_not_one_more(make: Make, text: str) -> None:
    rate, now = parse_rate(text), [1000.0]
    limiter = make(lambda: now[0])
    assert admitted(limiter, rate, 2 * rate.requests) == rate.requests


@pytest.mark.parametrize("text", ["100/s", "6000/min", "7/h"])
def test_over_a_long_time_no_more_requests_are_admitted_than_the_rate_and_a_full_bucket(make: Make, text: str) -> None:
    rate, now = parse_rate(text), [0.0]
    limiter = make(lambda: now[0])
    total = 0
    for step in range(1000):
        now[0] = step * rate.seconds / 100
        total += admitted(limiter, rate, 3)
    # 10 periods, and the bucket that was full at first
    assert total == pytest.approx(min(3000, 11 * rate.requests), abs=1)


def test_the_wait_that_is_returned_is_just_long_enough(make: Make) -> None:
    now = [5.0]
    limiter, rate = make(lambda: now[0]), Rate(4, "min")
    assert admitted(limiter, rate, 4) == 4
    wait = limiter.acquire("alice", rate)
    assert wait == pytest.approx(15)
    now[0] += wait - 0.01
    assert limiter.acquire("alice", rate) == pytest.approx(0.01)
    now[0] += 0.01
    assert limiter.acquire("alice", rate) == 0


def test_refused_requests_do_not_count_so_that_a_client_that_hammers_gets_its_rate(make: Make) -> None:
    now = [0.0]
    limiter, rate = make(lambda: now[0]), Rate(10, "s")
    assert admitted(limiter, rate, 1000) == 10
    now[0] = 0.5
    assert admitted(limiter, rate, 1000) == 5


def test_each_name_has_a_bucket_of_its_own(make: Make) -> None:
    limiter = make(lambda: 0.0)
    assert admitted(limiter, Rate(2, "s"), 5, "alice") == 2
    assert admitted(limiter, Rate(3, "s"), 5, "bob") == 3


def test_a_bucket_that_is_empty_fills_up_at_a_rate_that_has_changed(make: Make) -> None:
    now = [0.0]
    limiter = make(lambda: now[0])
    assert admitted(limiter, Rate(2, "h"), 5) == 2
    assert limiter.acquire("alice", Rate(10, "s")) == pytest.approx(0.1)
    now[0] = 0.5
    assert admitted(limiter, Rate(10, "s"), 20) == 5


def test_workers_share_their_buckets_and_none_is_counted_twice_or_not_at_all(tmp_path: Path) -> None:
    limiters = [SharedRateLimiter(tmp_path, lambda: 7.0) for _ in range(4)]
    total: list[int] = []

    def hammer(limiter: SharedRateLimiter) -> None:
        total.append(admitted(limiter, Rate(1000, "s"), 400))

    threads = [threading.Thread(target=hammer, args=(limiter,)) for limiter in limiters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(total) == 1000
    assert admitted(limiters[0], Rate(5, "s"), 9, "bob") == 5
    assert admitted(limiters[1], Rate(5, "s"), 9, "bob") == 0
    for limiter in limiters:
        limiter.close()
