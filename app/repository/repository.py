"""Finds, checks, loads, reloads and unloads the models of a repository folder."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from app.backends import Backend
from app.errors import InvalidInputError, UnavailableError
from app.repository.folder import Outage, RepositoryFolder
from app.repository.load import STILL_SERVED, LoadedModel, damage_of, load_model
from app.repository.mirror.mirror import Mirror
from app.repository.model_folder import folder_lister
from app.repository.scan import Fingerprint, Key, Listing, fingerprint_of, is_changing
from app.repository.snapshot import AWAY, IndexEntry, Snapshot, VersionEntry, unknown_model_error
from models.manifest import Manifest

logger = logging.getLogger(__name__)


class Repository:
    """The models of a folder ``<root>/<name>/<version>/``.

    Thread-safe: changes are serialised by a lock, and readers use the current snapshot without one. A version folder

    - is read when it is new or its files have changed. If they are sound, the model is loaded, warmed up, and only then
      replaces the previously loaded one; requests in flight finish with the model that they started with.
    - that is unsound, and whose files have changed since the last scan, may still be being copied: it waits for the
      next scan, and the previously loaded model is served meanwhile.
    - that is unsound and unchanged since the last scan is damaged. It is reported with its reason, and read again when
      its files change; the previously loaded model is served meanwhile.
    - that was removed is dropped, with all memory of its model.

    While the whole folder is unavailable (``RepositoryFolder``), or that of one model, or another that took its place
    is still being copied, nothing is dropped.

    Scans skip an unloaded model until it is loaded again.

    Args:
        root: the folder.
        backend: loads the models.
        model_name: the folder is that of one model, ``<root>/<version>/`` or the files of one version in ``<root>``,
            which is served by this name; None: it is a repository.
        settle_seconds: seconds between two calls of ``refresh``; 0 where it is called once, and nothing can wait.
        mirror: of an object store, into the folder; brought up to date before each scan.
    """

    def __init__(
        self,
        root: Path,
        backend: Backend,
        *,
        model_name: str | None = None,
        settle_seconds: float = 0.0,
        mirror: Mirror | None = None,
    ) -> None:
        self.root = root
        self.backend = backend
        self.model_name = model_name
        self.settle_seconds = settle_seconds
        self.mirror = mirror
        self._change = threading.Lock()
        self._snapshot = Snapshot()
        self._folder = RepositoryFolder(folder_lister(model_name))
        self._listing: Listing | None = None
        """Of the last scan."""

    @property
    def initial_scan_done(self) -> bool:
        """Whether all models of the first scan are loaded or reported as damaged."""
        return self._snapshot.initial_scan_done

    @property
    def outage(self) -> Outage | None:
        """Since when, and why, the folder or the store that it mirrors is unavailable; None: it is not."""
        return self._folder.outage or (self.mirror.outage if self.mirror else None)

    @property
    def address(self) -> str:
        """Of the object store that is mirrored, else the folder."""
        return self.mirror.address if self.mirror else str(self.root)

    @property
    def serves_models(self) -> bool:
        """Whether any model is served."""
        return bool(self._snapshot.served)

    def refresh(self) -> None:
        """Scan the folder: load new and changed versions, drop removed ones. A damaged one does not affect others."""
        self._refresh_mirror()
        self._scan()

    def _refresh_mirror(self) -> None:
        if self.mirror is not None:
            self.mirror.refresh(self._scan if self.initial_scan_done else None)

    def _scan(self) -> None:
        with self._change:
            listing = self._list(self._listing)
            if listing is None:
                return
            unloaded = self._snapshot.unloaded
            found = {key: folder for key, folder in listing.folders.items() if key[0] not in unloaded}
            if not found and not listing.unreadable and not self.initial_scan_done:
                logger.warning("There is no model in %s.", self.address)
            for key, folder in found.items():
                before = self._snapshot.entries.get(key)
                known = before.fingerprint if before else None
                trusted = known if before and before.sound and key[0] not in listing.due else None
                fingerprint = fingerprint_of(folder, trusted)
                if before is None or before.waiting or known != fingerprint:
                    self._read(key, folder, fingerprint, is_changing(folder, fingerprint, known, self.settle_seconds))
            gone = self._snapshot.entries.keys() - found.keys() - self._keep_unavailable_models(listing)
            if not (gone and self._folder.is_being_copied(listing, self.settle_seconds)):
                self._remove(gone)
                self._folder.remember(listing)
            self._listing, self._snapshot = listing, self._snapshot.changed(initial_scan_done=True)

    def load(self, name: str) -> None:
        """Reload all versions of a model, whether or not it was unloaded, and serve the sound ones.

        It changes this process only: each of several workers has a repository of its own, so the settings allow
        loading over HTTP with one worker only.

        Raises:
            ModelNotFoundError: the folder has no version of that name.
            InvalidInputError: no version is sound, with the highest's reason; or the model's folder is unavailable.
            UnavailableError: the repository's folder is unavailable.
        """
        self._refresh_mirror()
        with self._change:
            listing = self._list(None)
            if listing is None:
                raise UnavailableError(AWAY)
            unavailable = self._folder.unavailable_models(listing, self._snapshot.entries.keys())
            if name in unavailable:
                raise InvalidInputError(f"Model '{name}' cannot be loaded: {unavailable[name]}")
            found = {key: folder for key, folder in listing.folders.items() if key[0] == name}
            self._remove({key for key in self._snapshot.entries if key[0] == name} - found.keys())
            if not found:
                raise unknown_model_error(name)
            self._snapshot = replace(self._snapshot, unloaded=self._snapshot.unloaded - {name})
            for key, folder in found.items():
                self._read(key, folder, fingerprint_of(folder), changing=False)
            reasons = [self._snapshot.entries[key].reason for key in sorted(found)]
        if all(reasons):
            raise InvalidInputError(f"Model '{name}' cannot be loaded: {reasons[-1]}")

    def unload(self, name: str) -> None:
        """Stop serving all versions of a model until it is loaded again; in this process only, as ``load``.

        Raises:
            ModelNotFoundError: there is no version of that name.
        """
        with self._change:
            snapshot = self._snapshot
            unloaded = [key for key in snapshot.entries if key[0] == name]
            if not unloaded and name not in {key[0] for key in self._folder.keys(self.root)}:
                raise unknown_model_error(name)
            self._snapshot = replace(snapshot.without(unloaded), unloaded=snapshot.unloaded | {name})
            logger.info("Unloaded '%s'.", name)

    def get(self, name: str, version: int | None = None) -> LoadedModel:
        """The model of that name, in its highest sound version unless one is named.

        Raises:
            ModelNotFoundError: there is none.
            UnavailableError: the initial scan is not done, or the model is being copied.
        """
        return self._snapshot.get(name, version)

    def latest(self) -> list[Manifest]:
        """Manifests of the highest sound version of every model, by name.

        Raises:
            UnavailableError: the initial scan is not done, so the list would be incomplete.
        """
        return self._snapshot.latest()

    def entries(self) -> list[tuple[Key, VersionEntry]]:
        """All version folders that are served or damaged, by name and version."""
        return self._snapshot.known_entries()

    def versions_of(self, name: str) -> list[tuple[int, VersionEntry]]:
        """The version folders of one model that are served or damaged, in ascending order.

        Raises:
            ModelNotFoundError: there are none.
            UnavailableError: the initial scan is not done, or the model is being copied.
        """
        return self._snapshot.versions_of(name)

    def index(self) -> list[IndexEntry]:
        """Every version folder by name and version, with those that are unloaded, damaged or new.

        Reads the folder, so it must not run in the event loop. Reports the state of this process only, as ``load``.
        """
        snapshot = self._snapshot
        return [snapshot.index_entry(key) for key in sorted(self._folder.keys(self.root) | snapshot.reported.keys())]

    def _list(self, before: Listing | None) -> Listing | None:
        """The repository's folders; None while its own is unavailable."""
        listing = self._folder.list(self.root, before, in_use=self.serves_models)
        rejected = self.mirror.rejected if self.mirror else {}
        self._snapshot = self._snapshot.changed(outage=self.outage, rejected=rejected)
        return listing

    def _keep_unavailable_models(self, listing: Listing) -> set[Key]:
        """Report the models whose own folder is unavailable, and return their versions: those that are loaded stay."""
        snapshot, kept = self._snapshot, set()
        known = sorted(snapshot.entries.keys() - listing.folders.keys())
        for name, reason in self._folder.unavailable_models(listing, known).items():
            if name not in snapshot.unloaded:
                for key in [key for key in known if key[0] == name] or [(name, 1)]:
                    self._record_damage(key, reason)
                    kept.add(key)
        return kept

    def _record_damage(self, key: Key, reason: str) -> None:
        """Record, and log once, why a version folder cannot be read, while its model stays loaded."""
        before = self._snapshot.entries.get(key)
        model = before.model if before else None
        reason += STILL_SERVED * (model is not None)
        if before is None or before.reason != reason:
            logger.error("Model '%s' version %d is damaged: %s", *key, reason)
            self._snapshot = self._snapshot.with_entry(key, VersionEntry((), model, reason))

    def _remove(self, keys: Iterable[Key]) -> None:
        before = self._snapshot
        self._snapshot = before.without(keys)
        known = [f"{key[0]} {key[1]}" for key in sorted(keys) if before.entries[key].known]
        if known:
            logger.info("Removed: %s.", ", ".join(known))

    def _read(self, key: Key, folder: Path, fingerprint: Fingerprint, changing: bool) -> None:
        """Load a version folder, or record why it cannot be loaded."""
        before = self._snapshot.entries.get(key)
        try:
            entry = VersionEntry(fingerprint, load_model(folder, key, self.backend, rename=bool(self.model_name)), None)
            logger.info("Loaded '%s' version %d.", *key)
        except Exception as error:  # one damaged model must not affect the others
            model = before.model if before else None
            if changing:
                logger.debug("Model '%s' version %d is incomplete: %s", *key, error)
                entry = VersionEntry(fingerprint, model, before.reason if before else None, waiting=True)
            else:
                entry = VersionEntry(fingerprint, model, damage_of(key, folder, error, model is not None))
        self._snapshot = self._snapshot.with_entry(key, entry)
