"""Rate limits: a token bucket a key."""

from collections.abc import Callable
from time import monotonic

from app.settings.rate import Rate

ROUNDING_SECONDS = 1e-9
"""What sums of floats may be off."""


class RateLimiter:
    """Token buckets by name. A full one holds all requests of a period, and fills up again at the rate.

    A bucket is kept as the one time at which it will be full (the generic cell rate algorithm), so that it needs no
    upkeep, and a bucket that is empty when its rate changes fills up at the new one.

    Args:
        clock: counts seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def acquire(self, name: str, rate: Rate) -> float:
        """Take a token from a bucket.

        Returns:
            0 if there was one, else the seconds until there is.
        """
        now, period = self._clock(), rate.seconds
        interval = period / rate.requests
        full_at = min(max(now, self._full_at.get(name, now)), now + period)
        wait = full_at + interval - now - period
        has_token = wait < ROUNDING_SECONDS
        self._full_at[name] = full_at + interval if has_token else full_at
        return 0.0 if has_token else wait
