"""The requests of the rounds: rows of numbers in three encodings, whose answers are checked against arithmetic."""

from collections.abc import Iterator

from benchmarks.endurance.workload import ArithmeticRequests, CheckedRequest, shuffled
from benchmarks.serving.servers import ROOT

POOL = 50
"""Different requests of a kind."""


def mixed_requests(seed: int = 0) -> Iterator[CheckedRequest]:
    """Requests without end: seven of ten hold one row, and one of a hundred holds 2,000, which are 80 KB of JSON."""
    source = ArithmeticRequests(ROOT / "repository", lambda _name, _version: None, seed)
    pools = [
        (70, [source.rows(1) for _ in range(POOL)]),
        (14, [source.rows(100) for _ in range(POOL)]),
        (8, [source.v2(10) for _ in range(POOL)]),
        (7, [source.v2_binary(100) for _ in range(POOL)]),
        (1, [source.rows(2000) for _ in range(4)]),
    ]
    return shuffled(pools, seed=seed)


def one_kind(rows: int) -> CheckedRequest:
    """One request of so many rows."""
    return ArithmeticRequests(ROOT / "repository", lambda _name, _version: None).rows(rows)
