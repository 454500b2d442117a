"""Rate limits: a token bucket a key. A full one holds all requests of a period, and fills up again at the rate.

A bucket is kept as the one time at which it will be full (the generic cell rate algorithm). So it needs no upkeep, and
one that is empty when its rate changes fills up at the new one.
"""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from app.settings.rate import Rate

ROUNDING_SECONDS = 1e-9
"""What sums of floats may be off."""


class Limiter(Protocol):
    """Counts requests by the name of their key."""

    def acquire(self, name: str, rate: Rate, /) -> float:
        """Take a token from a bucket.

        Returns:
            0 if there was one, else the seconds until there is.
        """


class RateLimiter:
    """Token buckets of one process.

    Args:
        clock: counts seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def acquire(self, name: str, rate: Rate) -> float:
        """See ``Limiter``."""
        self._full_at[name], wait = take_token(self._full_at.get(name, 0.0), self._clock(), rate)
        return wait


def take_token(full_at: float, now: float, rate: Rate) -> tuple[float, float]:
    """Take a token from a bucket.

    Args:
        full_at: when it will be full; a time in the past where it is.
        now: by the same clock.
        rate: at which it fills up.

    Returns:
        When it will be full after that, and 0; without a token, the seconds until there is one.
    """
    period = rate.seconds
    interval = period / rate.requests
    full_at = min(max(now, full_at), now + period)
    wait = full_at + interval - now - period
    return (full_at + interval, 0.0) if wait < ROUNDING_SECONDS else (full_at, wait)
