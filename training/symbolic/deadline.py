"""Deadline: when a search must have ended; every long loop of it checks the clock."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Self


class DeadlineError(Exception):
    """The time is up; what was found until then remains."""


@dataclass(frozen=True)
class Deadline:
    """A moment of a clock that never goes back.

    Args:
        at: the moment, in seconds of the clock; infinity for none.
        clock: returns the current moment.
    """

    at: float = math.inf
    clock: Callable[[], float] = monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = monotonic) -> Self:
        """The moment so many seconds from now."""
        return cls(clock() + seconds, clock)

    @property
    def remaining(self) -> float:
        """Seconds until then; below 0 once it has passed."""
        return self.at - self.clock()

    def check(self) -> None:
        """Raise ``DeadlineError`` once the moment has passed."""
        if self.clock() > self.at:
            raise DeadlineError

    def share(self, part: float) -> Self:
        """The moment at which this part of the remaining time has passed."""
        return self if self.at == math.inf else replace(self, at=self.clock() + part * max(0.0, self.remaining))

    def no_earlier_than(self, seconds: float) -> Self:
        """This deadline, or the moment so many seconds from now if that is later."""
        return replace(self, at=max(self.at, self.clock() + seconds))


NO_DEADLINE = Deadline()
"""A moment that never comes."""
