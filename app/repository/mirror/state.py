"""What is known of a mirrored store: what was fetched, what was rejected, and the last look."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

MAX_RETRY_SECONDS = 300.0
"""Longest time until a rejected version that has not changed is fetched again: the damage may be in between."""


class Rejection(BaseModel):
    """A version that the store holds and that is not fetched."""

    fingerprint: str
    """Of its files, as they were listed."""
    reason: str
    times: int
    """It has been fetched in vain; once may be an upload that is under way."""
    retry_at: datetime


class MirrorState(BaseModel):
    """Written by the process that looked last, and read by all that share the cache. Versions are ``name/version``."""

    attempted_at: datetime | None = None
    """Of the last look, good or not."""
    looked_at: datetime | None = None
    """Of the last good look."""
    failing_since: datetime | None = None
    failure: str | None = None
    """Why the last look was not good, as a sentence."""
    listing: str = ""
    """Fingerprint of all that the store listed in the last good look."""
    listing_since: datetime | None = None
    """Since when it has been so."""
    cautious: bool = False
    """Whether the store has failed, and has since not been seen to list all that the cache holds: it may be new."""
    fetched: dict[str, str] = {}
    """Fingerprints of the versions that the cache holds."""
    rejected: dict[str, Rejection] = {}

    def begin(self) -> None:
        """A look begins."""
        self.attempted_at = datetime.now(UTC)

    def succeed(self) -> None:
        """It was good."""
        self.looked_at, self.failure, self.failing_since = datetime.now(UTC), None, None

    def seconds_unchanged(self, listing: str) -> float:
        """How long the store has been seen to list the same."""
        now = datetime.now(UTC)
        if listing != self.listing or self.listing_since is None:
            self.listing, self.listing_since = listing, now
        return (now - self.listing_since).total_seconds()

    def fail(self, reason: str) -> None:
        """It was not."""
        self.failure, self.failing_since, self.cautious = reason, self.failing_since or datetime.now(UTC), True

    def reject(self, version: str, fingerprint: str, reason: str, retry_seconds: float) -> None:
        """A version was not fetched. It is fetched again in the next look, and then after twice the time each time.

        Args:
            version: the version.
            fingerprint: of its files.
            reason: as a sentence.
            retry_seconds: the first such time; 0: in every look.
        """
        before = self.rejected.get(version)
        times = before.times + 1 if before and before.fingerprint == fingerprint else 1
        wait = min(MAX_RETRY_SECONDS, retry_seconds * 2 ** min(times - 1, 10)) if times > 1 else 0.0
        retry_at = datetime.now(UTC) + timedelta(seconds=wait)
        self.rejected[version] = Rejection(fingerprint=fingerprint, reason=reason, times=times, retry_at=retry_at)

    def retain(self, versions: Collection[str]) -> None:
        """Forget all other versions."""
        self.fetched = {version: value for version, value in self.fetched.items() if version in versions}
        self.rejected = {version: value for version, value in self.rejected.items() if version in versions}

    def waits(self, version: str, fingerprint: str) -> bool:
        """Whether a version was rejected, is unchanged, and is not yet to be fetched again."""
        rejection = self.rejected.get(version)
        return rejection is not None and rejection.fingerprint == fingerprint and rejection.retry_at > datetime.now(UTC)
