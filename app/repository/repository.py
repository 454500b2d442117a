"""Finds, checks, loads, reloads and unloads the models of a repository folder."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.backends import Backend, BackendError
from app.errors import InvalidInputError, ModelNotFoundError, ServiceError, UnavailableError
from app.repository.load import Model, load_model
from app.repository.scan import Fingerprint, Key, fingerprint_of, last_change, version_folders
from models.manifest import Manifest, ManifestError

logger = logging.getLogger(__name__)

LOADING = "The models are still being loaded; GET /health/ready reports their state."


@dataclass(frozen=True)
class Entry:
    """What is known of one version folder: the model if one is served, the reason if its files are damaged."""

    fingerprint: Fingerprint
    model: Model | None
    reason: str | None
    waiting: bool = False
    """Its files were not sound and had just changed: the next look decides."""

    @property
    def state(self) -> Literal["ready", "damaged"]:
        return "ready" if self.reason is None else "damaged"

    @property
    def known(self) -> bool:
        """Whether it is served or damaged, rather than a new folder that waits."""
        return self.model is not None or self.reason is not None


@dataclass(frozen=True)
class IndexEntry:
    """One version folder as the Open Inference Protocol's repository index names its state."""

    name: str
    version: int
    state: Literal["READY", "UNAVAILABLE", "LOADING"]
    reason: str | None


class Snapshot:
    """All that is known at one moment. It never changes, so that it is read without a lock."""

    def __init__(self, entries: Mapping[Key, Entry], unloaded: frozenset[str]) -> None:
        self.entries = dict(sorted(entries.items()))
        self.unloaded = unloaded
        self.served: dict[tuple[str, int | None], Model] = {}
        """The models by name and version; without a version, the highest sound one."""
        for (name, version), entry in self.entries.items():
            if entry.model is not None:
                self.served[name, version] = self.served[name, None] = entry.model


class Repository:
    """The models of a folder ``<root>/<name>/<version>/``.

    Any thread may call anything at any time: changes wait for one another, and readers for nobody. A version folder

    - is tried when it is new or its files have changed. Where all is sound, the model is loaded, warmed, and only then
      put in the place of what was served before; requests in flight finish with the model that they began with.
    - that is not sound, and whose files have changed since the last look, is perhaps still being copied: it waits, and
      what was served before goes on being served. At the next look it is tried again.
    - that is not sound and has settled is damaged. It is reported with its reason, and tried again when its files
      change; what was served before goes on being served.
    - that is gone is forgotten, and with it all that held the model's memory.

    A model that was unloaded is passed over until it is loaded again.

    Args:
        root: the folder.
        backend: what loads the models.
        settle_seconds: seconds between two calls of ``refresh``; 0 where it is called once, and nothing can wait.
    """

    def __init__(self, root: Path, backend: Backend, *, settle_seconds: float = 0.0) -> None:
        self.root = root
        self.backend = backend
        self.settle_seconds = settle_seconds
        self.initial_scan_done = False
        self._change = threading.Lock()
        self._snapshot = Snapshot({}, frozenset())

    def refresh(self) -> None:
        """Load what is new or has changed, and forget what is gone. A damaged folder stops nothing else."""
        with self._change:
            found = {key: folder for key, folder in version_folders(self.root) if key[0] not in self._snapshot.unloaded}
            if not found and not self.initial_scan_done:
                logger.warning("There is no model in %s.", self.root)
            for key, folder in found.items():
                before, fingerprint = self._snapshot.entries.get(key), fingerprint_of(folder)
                if before is None or before.waiting or before.fingerprint != fingerprint:
                    changing = self._is_changing(folder, fingerprint, before)
                    self._put(key, self._read(key, folder, fingerprint, changing))
            self._forget(self._snapshot.entries.keys() - found.keys())
            self.initial_scan_done = True

    def load(self, name: str) -> None:
        """Read all versions of a model anew, whether or not it was unloaded, and serve those that are sound.

        Only this process does so: where several workers serve, each has a repository of its own, which is why the
        settings allow loading over HTTP with one worker alone.

        Raises:
            ModelNotFoundError: the folder has no version of that name.
            InvalidInputError: no version is sound; says why the highest is not.
        """
        with self._change:
            found = {key: folder for key, folder in version_folders(self.root) if key[0] == name}
            self._forget({key for key in self._snapshot.entries if key[0] == name} - found.keys())
            if not found:
                raise _no_model(name)
            self._snapshot = Snapshot(self._snapshot.entries, self._snapshot.unloaded - {name})
            for key, folder in found.items():
                self._put(key, self._read(key, folder, fingerprint_of(folder), changing=False))
            entries = [self._snapshot.entries[key] for key in sorted(found)]
        if all(entry.reason for entry in entries):
            raise InvalidInputError(f"Model '{name}' cannot be loaded: {entries[-1].reason}")

    def unload(self, name: str) -> None:
        """Stop serving all versions of a model until it is loaded again; in this process only, as ``load``.

        Raises:
            ModelNotFoundError: there is nothing of that name.
        """
        with self._change:
            snapshot = self._snapshot
            kept = {key: entry for key, entry in snapshot.entries.items() if key[0] != name}
            if len(kept) == len(snapshot.entries) and all(key[0] != name for key, _ in version_folders(self.root)):
                raise _no_model(name)
            self._snapshot = Snapshot(kept, snapshot.unloaded | {name})
            logger.info("Unloaded '%s'.", name)

    def get(self, name: str, version: int | None = None) -> Model:
        """The model of that name, in its highest sound version unless one is named.

        Raises:
            ModelNotFoundError: there is none.
            UnavailableError: the repository has not been gone through yet, or the model is being copied.
        """
        snapshot = self._snapshot
        model = snapshot.served.get((name, version))
        if model is None:
            raise self._not_found_error(snapshot, name, version)
        return model

    def latest(self) -> list[Manifest]:
        """Manifests of the highest sound version of every model, by name.

        Raises:
            UnavailableError: the repository has not been gone through yet, so the list would not be whole.
        """
        if not self.initial_scan_done:
            raise UnavailableError(LOADING)
        return [model.manifest for (_, version), model in self._snapshot.served.items() if version is None]

    def entries(self) -> list[tuple[Key, Entry]]:
        """All version folders that are served or damaged, by name and version."""
        return [(key, entry) for key, entry in self._snapshot.entries.items() if entry.known]

    def versions_of(self, name: str) -> list[tuple[int, Entry]]:
        """The version folders of one model that are served or damaged, lowest first.

        Raises:
            ModelNotFoundError: there are none.
            UnavailableError: the repository has not been gone through yet, or the model is being copied.
        """
        found = [(key[1], entry) for key, entry in self.entries() if key[0] == name]
        if not found or not self.initial_scan_done:
            raise self._not_found_error(self._snapshot, name, None)
        return found

    def index(self) -> list[IndexEntry]:
        """Every version folder by name and version, also what is unloaded, damaged or not yet looked at.

        Looks into the folder, so it is not for the event loop. Says what this process serves, as ``load``.
        """
        snapshot = self._snapshot
        keys = sorted({key for key, _ in version_folders(self.root)} | snapshot.entries.keys())
        return [IndexEntry(*key, *self._state(snapshot, key)) for key in keys]

    def _state(self, snapshot: Snapshot, key: Key) -> tuple[Literal["READY", "UNAVAILABLE", "LOADING"], str | None]:
        entry = snapshot.entries.get(key)
        if key[0] in snapshot.unloaded:
            return "UNAVAILABLE", "It was unloaded."
        if entry is None:
            return "UNAVAILABLE" if self.initial_scan_done else "LOADING", "It has not been loaded yet."
        if not entry.known:
            return "LOADING", "Its files are still changing."
        return "READY" if entry.model else "UNAVAILABLE", entry.reason

    def _not_found_error(self, snapshot: Snapshot, name: str, version: int | None) -> ServiceError:
        """What to tell a client that asks for a model that is not served."""
        if not self.initial_scan_done:
            return UnavailableError(LOADING)
        shown, entries = name[:64], {key[1]: entry for key, entry in snapshot.entries.items() if key[0] == name}
        listed = ", ".join(str(number) for number, entry in entries.items() if entry.model)
        if listed:
            return ModelNotFoundError(f"Model '{shown}' has no version {version}; it has {listed}.")
        if name in snapshot.unloaded:
            return ModelNotFoundError(f"Model '{shown}' is unloaded; POST /v2/repository/models/{shown}/load loads it.")
        if any(entry.reason for entry in entries.values()):
            return ModelNotFoundError(f"Model '{shown}' is damaged; GET /health/ready gives the reason.")
        if entries:
            return UnavailableError(f"Model '{shown}' is still being copied into the repository; try again later.")
        return _no_model(name)

    def _put(self, key: Key, entry: Entry) -> None:
        self._snapshot = Snapshot({**self._snapshot.entries, key: entry}, self._snapshot.unloaded)

    def _forget(self, gone: Iterable[Key]) -> None:
        entries = dict(self._snapshot.entries)
        forgotten = {key: entries.pop(key) for key in sorted(gone)}
        self._snapshot = Snapshot(entries, self._snapshot.unloaded)
        known = [f"{name} {version}" for (name, version), entry in forgotten.items() if entry.known]
        if known:
            logger.info("Removed: %s.", ", ".join(known))

    def _is_changing(self, folder: Path, fingerprint: Fingerprint, before: Entry | None) -> bool:
        """Whether the files have changed since the last look, so that they may be about to change again."""
        if not self.settle_seconds:
            return False
        if before is not None:
            return before.fingerprint != fingerprint
        return time.time() - last_change(folder) < self.settle_seconds

    def _read(self, key: Key, folder: Path, fingerprint: Fingerprint, changing: bool) -> Entry:
        before = self._snapshot.entries.get(key)
        try:
            model = load_model(folder, key, self.backend)
        except Exception as error:  # whatever is wrong with one model, the others are served
            kept = before.model if before else None
            if changing:
                logger.debug("Model '%s' version %d is not whole yet: %s", *key, error)
                return Entry(fingerprint, kept, before.reason if before else None, waiting=True)
            return Entry(fingerprint, kept, _damage(key, folder, error, kept is not None))
        logger.info("Loaded '%s' version %d.", *key)
        return Entry(fingerprint, model, None)


def _no_model(name: str) -> ModelNotFoundError:
    return ModelNotFoundError(f"There is no model '{name[:64]}'; GET /models lists all models.")


def _damage(key: Key, folder: Path, error: Exception, kept: bool) -> str:
    """Log what is wrong with a version folder, and return it as a sentence."""
    name, version = key
    if not isinstance(error, ManifestError | BackendError):
        logger.error("Loading '%s' version %d failed.", name, version, exc_info=error)
        error = BackendError(f"{folder} cannot be loaded: {type(error).__name__}; the log has the details.")
    reason = f"{error}{' The previously loaded model is still served.' * kept}"
    logger.error("Model '%s' version %d is damaged: %s", name, version, reason)
    return reason
