"""Token buckets that the workers of a service share, as files; POSIX only."""

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from app.auth.rate_limiter import take_token
from app.settings.rate import Rate

_TIME = struct.Struct("d")


class SharedRateLimiter:
    """Token buckets of all processes that use a folder, each in a file of 8 bytes, locked for some microseconds.

    Args:
        folder: of nothing else that is called ``*.rate``.
        clock: counts seconds, the same in all processes.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._files: dict[str, int] = {}

    def acquire(self, name: str, rate: Rate) -> float:
        """See ``app.auth.rate_limiter.Limiter``."""
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = os.open(self._folder / f"{name}.rate", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            [full_at] = _TIME.unpack(os.pread(file, _TIME.size, 0) or bytes(_TIME.size))
            full_at, wait = take_token(full_at, self._clock(), rate)
            os.pwrite(file, _TIME.pack(full_at), 0)
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
        return wait

    def close(self) -> None:
        """Close the files."""
        while self._files:
            os.close(self._files.popitem()[1])
