"""A rate of requests, as settings and the file of the API keys write it: ``100/s``, ``6000/min``, ``1000/h``."""

import re
from typing import Any, NamedTuple

PERIODS = {"s": 1, "min": 60, "h": 3600}
"""Seconds of each period."""
MAX_REQUESTS = 10**9
RULE = f"a whole number from 1 to {MAX_REQUESTS} of requests per s, min or h, as 100/s"

_RATE = re.compile(r"([1-9][0-9]{0,9})/(s|min|h)")


class Rate(NamedTuple):
    """So many requests within such a period; all of them may come at once."""

    requests: int
    period: str
    """One of ``PERIODS``."""

    @property
    def seconds(self) -> int:
        """Length of the period."""
        return PERIODS[self.period]

    def __str__(self) -> str:
        return f"{self.requests}/{self.period}"


def parse_rate(value: Any) -> Any:
    """Read a rate; what is no text is returned as it is.

    Raises:
        ValueError: the text is no rate.
    """
    if not isinstance(value, str):
        return value
    match = _RATE.fullmatch(value)
    if match is None or int(match[1]) > MAX_REQUESTS:
        raise ValueError(f"must be {RULE}")
    return Rate(int(match[1]), match[2])
