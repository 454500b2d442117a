"""The state of a repository at one time: its version folders, the served models, and why others are not served."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

from app.errors import ModelNotFoundError, ServiceError, UnavailableError
from app.repository.folder import Outage
from app.repository.load import STILL_SERVED, LoadedModel
from app.repository.scan import Fingerprint, Key
from models.manifest import Manifest

LOADING = "The models are still being loaded; GET /health/ready reports their state."
AWAY = "The folder of the models cannot be read; GET /health/ready gives the reason."


@dataclass(frozen=True)
class VersionEntry:
    """One version folder: its model if one is served, the reason if its files are damaged."""

    fingerprint: Fingerprint
    model: LoadedModel | None
    reason: str | None
    waiting: bool = False
    """Its files were unsound and had just changed: the next scan decides."""

    @property
    def state(self) -> Literal["ready", "damaged"]:
        return "ready" if self.reason is None else "damaged"

    @property
    def sound(self) -> bool:
        """Whether the files were sound when they were last read."""
        return self.reason is None and not self.waiting

    @property
    def known(self) -> bool:
        """Whether it is served or damaged, rather than a new folder that waits."""
        return self.model is not None or self.reason is not None


@dataclass(frozen=True)
class IndexEntry:
    """One version folder with its state in the Open Inference Protocol's repository index."""

    name: str
    version: int
    state: Literal["READY", "UNAVAILABLE", "LOADING"]
    reason: str | None


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The repository's state at one time. Immutable, so that it is read without a lock."""

    entries: Mapping[Key, VersionEntry] = field(default_factory=dict)
    """By name and version, sorted."""
    unloaded: frozenset[str] = frozenset()
    """Names of the models that were unloaded."""
    initial_scan_done: bool = False
    outage: Outage | None = None
    """Set while the folder is unavailable."""
    rejected: Mapping[Key, str] = field(default_factory=dict)
    """Why versions of an object store are not in the folder, or only as they were before."""

    @cached_property
    def served(self) -> dict[tuple[str, int | None], LoadedModel]:
        """The models by name and version; without a version, the highest sound one."""
        served: dict[tuple[str, int | None], LoadedModel] = {}
        for (name, version), entry in self.entries.items():
            if entry.model is not None:
                served[name, version] = served[name, None] = entry.model
        return served

    @cached_property
    def reported(self) -> dict[Key, VersionEntry]:
        """The entries, those that are rejected among them as damaged."""
        new = VersionEntry((), None, None)
        rejected = {
            key: replace(entry, reason=f"{reason}{STILL_SERVED * (entry.model is not None)}")
            for key, reason in self.rejected.items()
            if key[0] not in self.unloaded
            for entry in [self.entries.get(key, new)]
        }
        return dict(sorted({**self.entries, **rejected}.items()))

    def changed(self, **fields: Any) -> Self:
        """The state with other fields; the same one, with all that was derived from it, where they do not differ."""
        same = all(getattr(self, name) == value for name, value in fields.items())
        return self if same else replace(self, **fields)

    def with_entry(self, key: Key, entry: VersionEntry) -> Self:
        """The state after a version folder was read."""
        return replace(self, entries=dict(sorted({**self.entries, key: entry}.items())))

    def without(self, keys: Iterable[Key]) -> Self:
        """The state after version folders were removed."""
        removed = set(keys)
        return self.changed(entries={key: entry for key, entry in self.entries.items() if key not in removed})

    def get(self, name: str, version: int | None) -> LoadedModel:
        """See ``Repository.get``."""
        model = self.served.get((name, version))
        if model is None:
            raise self._not_found_error(name, version)
        return model

    def latest(self) -> list[Manifest]:
        """See ``Repository.latest``."""
        if not self.initial_scan_done:
            raise UnavailableError(AWAY if self.outage else LOADING)
        return [model.manifest for (_, version), model in self.served.items() if version is None]

    def known_entries(self) -> list[tuple[Key, VersionEntry]]:
        """See ``Repository.entries``."""
        return [(key, entry) for key, entry in self.reported.items() if entry.known]

    def versions_of(self, name: str) -> list[tuple[int, VersionEntry]]:
        """See ``Repository.versions_of``."""
        found = [(key[1], entry) for key, entry in self.known_entries() if key[0] == name]
        if not found or not self.initial_scan_done:
            raise self._not_found_error(name, None)
        return found

    def index_entry(self, key: Key) -> IndexEntry:
        """The index's entry of a version folder, which may be new."""
        entry = self.reported.get(key)
        if key[0] in self.unloaded:
            return IndexEntry(*key, "UNAVAILABLE", "It was unloaded.")
        if entry is None:
            return IndexEntry(
                *key, "UNAVAILABLE" if self.initial_scan_done else "LOADING", "It has not been loaded yet."
            )
        if not entry.known:
            return IndexEntry(*key, "LOADING", "Its files are still changing.")
        reason = entry.reason or (self.outage.reason if self.outage else None)
        return IndexEntry(*key, "READY" if entry.model else "UNAVAILABLE", reason)

    def _not_found_error(self, name: str, version: int | None) -> ServiceError:
        """The error for a request for a model that is not served."""
        if not self.initial_scan_done:
            return UnavailableError(AWAY if self.outage else LOADING)
        shown, entries = name[:64], {key[1]: entry for key, entry in self.reported.items() if key[0] == name}
        listed = ", ".join(str(number) for number, entry in entries.items() if entry.model)
        if listed:
            return ModelNotFoundError(f"Model '{shown}' has no version {version}; it has {listed}.")
        if name in self.unloaded:
            return ModelNotFoundError(f"Model '{shown}' is unloaded; POST /v2/repository/models/{shown}/load loads it.")
        if any(entry.reason for entry in entries.values()):
            return ModelNotFoundError(f"Model '{shown}' is damaged; GET /health/ready gives the reason.")
        if entries:
            return UnavailableError(f"Model '{shown}' is still being copied into the repository; try again later.")
        return unknown_model_error(name)


def unknown_model_error(name: str) -> ModelNotFoundError:
    """The error for a name of which the repository has no folder."""
    return ModelNotFoundError(f"There is no model '{name[:64]}'; GET /models lists all models.")
