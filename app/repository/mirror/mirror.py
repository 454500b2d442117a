"""Keeps a folder equal to what an object store holds. What was fetched stays while the store is unavailable."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic

from app.repository.folder import Outage
from app.repository.mirror.bucket import VersionFiles, fingerprint_of, fingerprint_of_all, version_folders
from app.repository.mirror.cache import MirrorCache
from app.repository.mirror.fetch import RejectedError, fetch, is_sound
from app.repository.mirror.state import MirrorState
from app.repository.scan import Key
from models.object_store import EmptyStoreError, ObjectStore, StoreError

logger = logging.getLogger(__name__)

LOCK_SECONDS = 30.0
"""Longest time that a process waits at its start for another one's look, if the cache is of an earlier good look."""
FAILING_SECONDS = 15.0
"""Longest time of a look in fetches that the store fails; then the look ends, and what was fetched stays."""
REFILL_SECONDS = 60.0
"""Versions that a store lacks after an outage are removed when it has not changed for so long: it may be a new one that
is still being filled. At other times, two looks suffice."""
STALE_SECONDS = 60.0
"""Age of the last good look at which a look of another process that is still under way is an outage; a poll interval
that is longer adds to it."""
REPORTED_TIMES = 2
"""A version is reported when it was rejected so often; the first time, its upload may be under way."""


class Mirror:
    """An object store, mirrored into a cache.

    Thread-safe. Of the processes that share a cache, one looks at the store in each poll interval, under a lock; the
    others read its state. A version folder

    - is fetched when it is new or its files' ETags or sizes have changed: aside, verified by its manifest, and then
      moved into the cache by one rename.
    - that is incomplete or damaged is not: the version fetched before stays. It is fetched again when it changes, and
      less and less often if not.
    - that left the store leaves the cache in the second look that does not find it; after an outage, when the store
      has not changed for a minute.

    While the store cannot be listed, or lists no version at all, nothing changes.

    Args:
        store: to look at.
        cache: to fetch into.
        poll_seconds: between two calls of ``refresh``; 0 where it is called once.
    """

    def __init__(self, store: ObjectStore, cache: MirrorCache, poll_seconds: float) -> None:
        self.address = store.address
        self.folder = cache.folder
        self._store = store
        self._cache = cache
        self._poll_seconds = poll_seconds
        self._refresh = threading.Lock()
        self._state = MirrorState()
        self._looked = False
        self._failing_seconds = 0.0
        self._reported: Mapping[str, str] = {}
        self._outage: Outage | None = None

    @property
    def outage(self) -> Outage | None:
        """Since when nothing is known of the store, which is the last good look, and why; None: it was good."""
        if self._outage is None and self._refresh.locked():
            return self._outage_of(self._state)
        return self._outage

    @property
    def rejected(self) -> dict[Key, str]:
        """Why versions in the store are not fetched, for the second time where it is looked at more than once."""
        return {key_of(version): reason for version, reason in self._reported.items()}

    @property
    def rejections(self) -> dict[Key, str]:
        """Why versions were not fetched by the last look; an upload of one may be under way."""
        return {key_of(version): entry.reason for version, entry in self._state.rejected.items()}

    def check(self) -> None:
        """Check that the store can be read and holds models, unless the cache does.

        Raises:
            EmptyStoreError: neither holds one.
            StoreError: the store cannot be read.
        """
        if not self._cache.versions():
            self._list()

    def close(self) -> None:
        """Let a look that is under way end soon, as the process does."""
        self._store.close()

    def refresh(self, on_fetched: Callable[[], None] | None = None) -> None:
        """Look at the store, and bring the cache up to date; a failure is recorded in ``outage`` and logged once.

        Args:
            on_fetched: called after each version that was fetched, as later ones may take their time.

        Raises:
            StoreClosedError: it was closed.
        """
        with self._refresh:
            try:
                self._cache.prepare()
                with self._cache.lock(self._wait_seconds()) as is_ours:
                    state = self._cache.read_state()
                    if is_ours and not self._is_recent(state):
                        self._look(state, on_fetched)
                        self._cache.write_state(state)
            except OSError as error:
                state = self._cache.read_state()
                state.fail(f"The cache {self.folder} cannot be written to ({error.strerror}); free or repair its disk.")
            self._looked = True
            self._report(state)

    def _wait_seconds(self) -> float:
        """How long to wait for another process's look: at the start, until the cache is complete."""
        if self._looked:
            return 0.0
        return LOCK_SECONDS if self._cache.read_state().looked_at else -1.0

    def _is_recent(self, state: MirrorState) -> bool:
        """Whether another process has looked in this poll interval."""
        age = datetime.now(UTC) - state.attempted_at if state.attempted_at else timedelta.max
        return timedelta(0) <= age < timedelta(seconds=self._poll_seconds / 2)

    def _list(self) -> Mapping[Key, VersionFiles]:
        folders = version_folders(self._store.list())
        if not folders:
            raise EmptyStoreError(
                f"{self.address} holds no model; upload one with `python -m training push NAME {self.address}`, or "
                "correct the address."
            )
        return folders

    def _look(self, state: MirrorState, on_fetched: Callable[[], None] | None) -> None:
        state.begin()
        self._failing_seconds = 0.0
        self._forget_missing(state)
        try:
            folders = self._list()
            for key, files in folders.items():
                if self._update(state, key, files) and on_fetched is not None:
                    on_fetched()
            self._remove_others(state, folders)
            state.succeed()
        except StoreError as error:
            state.fail(str(error))
        finally:
            self._cache.clean()

    def _update(self, state: MirrorState, key: Key, files: VersionFiles) -> bool:
        """Fetch a version if it has changed; returns whether it did."""
        version, fingerprint = version_of(key), fingerprint_of(files)
        if state.fetched.get(version) == fingerprint:
            state.rejected.pop(version, None)
            return False
        if state.waits(version, fingerprint):
            return False
        folder, began = self._cache.new_folder(), monotonic()
        try:
            fetch(self._store, key, files, folder)
        except RejectedError as error:
            state.reject(version, fingerprint, str(error), self._poll_seconds)
            return False
        except StoreError as error:
            state.reject(version, fingerprint, str(error), 0)
            self._failing_seconds += monotonic() - began
            if self._failing_seconds > FAILING_SECONDS:
                raise
            return False
        self._cache.publish(folder, key)
        state.fetched[version] = fingerprint
        state.rejected.pop(version, None)
        self._cache.write_state(state)
        logger.info("Fetched '%s' version %d from %s: %d files.", *key, self.address, len(list(folder.iterdir())))
        return True

    def _remove_others(self, state: MirrorState, folders: Mapping[Key, VersionFiles]) -> None:
        """Remove the versions that left the store, once it has listed the same for a while: it may be being filled."""
        listing = fingerprint_of_all(folders)
        others = self._cache.versions().keys() - folders.keys()
        wait = REFILL_SECONDS if state.cautious else self._poll_seconds / 2
        if not others or not self._poll_seconds or state.seconds_unchanged(listing) >= wait:
            for key in others:
                self._cache.remove(key)
            state.cautious = False
            state.retain(set(map(version_of, folders)))

    def _forget_missing(self, state: MirrorState) -> None:
        """Forget versions that the cache lacks, or at the start holds damaged, so that they are fetched again."""
        folders = self._cache.versions().items()
        there = {version_of(key) for key, folder in folders if self._looked or is_sound(folder)}
        state.fetched = {version: fingerprint for version, fingerprint in state.fetched.items() if version in there}

    def _report(self, state: MirrorState) -> None:
        """Set what others see of the state, and log what has changed in it."""
        least = REPORTED_TIMES if self._poll_seconds else 1
        rejected = {name: entry.reason for name, entry in state.rejected.items() if entry.times >= least}
        for version, reason in rejected.items():
            if self._reported.get(version) != reason:
                logger.error("Model '%s' version %d is not fetched: %s", *key_of(version), reason)
        outage = self._outage_of(state)
        if outage is not None and (self._outage is None or self._outage.reason != outage.reason):
            logger.error("The object store is unavailable: %s", outage.reason)
        elif outage is None and self._outage is not None:
            logger.info("The object store is available again: %s.", self.address)
        self._state, self._reported, self._outage = state, rejected, outage

    def _outage_of(self, state: MirrorState) -> Outage | None:
        reason = state.failure
        if reason is None:
            if state.looked_at is None:
                return None
            age = (datetime.now(UTC) - state.looked_at).total_seconds()
            if age <= STALE_SECONDS + 2 * self._poll_seconds:
                return None
            reason = f"{self.address} has not been looked at to the end, as where a fetch is slow."
        if state.looked_at is None:
            return Outage(state.failing_since or datetime.now(UTC), reason)
        served = f"The models are served as they were there at {state.looked_at:%Y-%m-%dT%H:%M:%SZ}."
        return Outage(state.looked_at, f"{reason} {served}")


def version_of(key: Key) -> str:
    """A version as the state names it, ``name/version``."""
    return f"{key[0]}/{key[1]}"


def key_of(version: str) -> Key:
    """Name and version of ``name/version``."""
    name, number = version.split("/")
    return name, int(number)
