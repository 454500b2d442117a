"""The folder of a repository over time: whether it is available, and whether what is missing was removed on purpose."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.repository.scan import Identity, Key, Listing, last_change

logger = logging.getLogger(__name__)

LISTING_SECONDS = 30.0
"""Longest time to list the folders; a network disk whose server is gone takes for ever, without an error."""


@dataclass(frozen=True)
class Outage:
    """The folder of the repository is unavailable: what was loaded before is still served."""

    since: datetime
    reason: str


class RepositoryFolder:
    """The folder of a repository, which may be unavailable for a while.

    It is unavailable where it cannot be read, or where another folder without models is in its place: an empty mount
    point is another folder than the one that was mounted on it, while a folder whose models were removed is the same.

    Args:
        list_folders: lists the versions in a folder, of which there is a listing from before, or none.
    """

    def __init__(self, list_folders: Callable[[Path, Listing | None], Listing]) -> None:
        self._list_folders = list_folders
        self._outage: Outage | None = None
        self._listing: Outage | None = None
        """The listing that is under way, as an outage that it becomes when it takes too long."""
        self._identity: Identity | None = None
        self._models: dict[str, Identity] = {}
        self._replaced = False
        """Whether another folder may have taken the place of the one that is remembered."""

    @property
    def outage(self) -> Outage | None:
        """Since when, and why, the folder is unavailable; None: it is not."""
        listing = self._listing
        if self._outage is None and listing is not None:
            seconds = (datetime.now(UTC) - listing.since).total_seconds()
            return listing if seconds > LISTING_SECONDS else None
        return self._outage

    def list(self, root: Path, before: Listing | None, *, in_use: bool) -> Listing | None:
        """The folders in it; None while it is unavailable, which is recorded in ``outage`` and logged once.

        Args:
            root: the folder.
            before: the last listing, so that only what has changed since is read; None: all is.
            in_use: whether models of it are served, so that an empty folder in its place is not taken for it.
        """
        slow = f"{root} has not been listed within {LISTING_SECONDS:g} seconds, as where its disk does not respond."
        self._listing = Outage(datetime.now(UTC), slow)
        try:
            listing = self._list_folders(root, before)
        except OSError as error:
            self._record(f"{root} cannot be read: {error.strerror}.", in_use)
            return None
        finally:
            self._listing = None
        # identities are reused: whether models were removed can be told only of a folder that was there all the time
        self._replaced |= self._outage is not None or self._identity not in (None, listing.identity)
        if in_use and self._replaced and not listing.folders and not listing.unreadable:
            reason = f"{root} has been replaced by an empty folder, as when a volume is not mounted"
            self._record(f"{reason}; mount it, or restart the service to unload its models.", in_use)
            return None
        if self._outage is not None:
            logger.info("The repository folder is available again: %s.", root)
            self._outage = None
        return listing

    def keys(self, root: Path) -> set[Key]:
        """The versions in it; none while it is unavailable."""
        try:
            return set(self._list_folders(root, None).folders)
        except OSError:
            return set()

    def unavailable_models(self, listing: Listing, known: Collection[Key]) -> dict[str, str]:
        """Why the versions of a model are not listed, by name: its folder is unavailable as the whole one can be.

        Args:
            listing: of the folder.
            known: versions that are served or damaged.
        """
        gone = {name for name, _ in known} - {name for name, _ in listing.folders}
        replaced = {
            name for name in gone & listing.models.keys() if self._models.get(name) != listing.models[name].identity
        }
        empty = {name: f"{listing.root / name} has been replaced by an empty folder." for name in replaced}
        return {**empty, **listing.unreadable}

    def is_being_copied(self, listing: Listing, settle_seconds: float) -> bool:
        """Whether the folder took another's place, and is still changing: models that it lacks may be yet to come."""
        changed = max(map(last_change, (listing.root, *listing.folders.values())))
        return self._replaced and time.time() - changed < settle_seconds

    def remember(self, listing: Listing) -> None:
        """Take the folder, and those in it that have versions, for the right ones."""
        self._identity, self._replaced = listing.identity, False
        self._models |= {name: listing.models[name].identity for name, _ in listing.folders}

    def _record(self, reason: str, in_use: bool) -> None:
        if self._outage is None or self._outage.reason != reason:
            kept = " The models loaded before are still served." * in_use
            logger.error("The repository folder is unavailable: %s%s", reason, kept)
            self._outage = Outage(self._outage.since if self._outage else datetime.now(UTC), reason)
