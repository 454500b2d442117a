"""The folder of a repository over time: whether it is away, and whether what is missing was removed on purpose."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.repository.scan import Identity, Key, Listing, list_repository

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outage:
    """The folder of the repository is away: what was loaded before is still served."""

    since: datetime
    reason: str


class RepositoryFolder:
    """The folder of a repository, which may be away for a while.

    It is away where it cannot be read, or where another folder without models is in its place: an empty mount point is
    another folder than the one that was mounted on it, while a folder whose models were removed is still the same.
    """

    def __init__(self) -> None:
        self.outage: Outage | None = None
        self._identity: Identity | None = None
        self._models: dict[str, Identity] = {}

    def list(self, root: Path, *, in_use: bool) -> Listing | None:
        """The folders in it; None while it is away, which is recorded in ``outage`` and logged once.

        Args:
            root: the folder.
            in_use: whether models of it are served, so that an empty folder in its place is not taken for it.
        """
        try:
            listing = list_repository(root)
        except OSError as error:
            self._record(f"{root} cannot be read: {error.strerror}.", in_use)
            return None
        # identities are reused: whether models were removed can be told only of a folder that was there all the time
        replaced = self.outage is not None or self._identity not in (None, listing.identity)
        if in_use and replaced and not listing.folders and not listing.unreadable:
            reason = f"{root} is another folder than before and has no model, as where a volume is not mounted"
            self._record(f"{reason}; mount it, or restart the service to unload its models.", in_use)
            return None
        if self.outage is not None:
            logger.info("The folder of the models can be read again: %s.", root)
            self.outage = None
        return listing

    def models_away(self, listing: Listing, known: Collection[Key]) -> dict[str, str]:
        """Why the versions of a model are not listed, by name: its folder is away as the whole one can be.

        Args:
            listing: of the folder.
            known: versions that are served or damaged.
        """
        gone = {name for name, _ in known} - {name for name, _ in listing.folders}
        replaced = {name for name in gone & listing.models.keys() if self._models.get(name) != listing.models[name]}
        empty = {name: f"{listing.root / name} is another folder than before and has no version." for name in replaced}
        return {**empty, **listing.unreadable}

    def remember(self, listing: Listing) -> None:
        """Take the folder, and those in it that have versions, for the right ones."""
        self._identity = listing.identity
        self._models |= {name: listing.models[name] for name, _ in listing.folders}

    def _record(self, reason: str, in_use: bool) -> None:
        if self.outage is None or self.outage.reason != reason:
            kept = " The models loaded before are still served." * in_use
            logger.error("The folder of the models is away: %s%s", reason, kept)
            self.outage = Outage(self.outage.since if self.outage else datetime.now(UTC), reason)
