"""Finds, checks, loads and reloads the models of a repository folder."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from app.backends import Backend, BackendError, Predictor
from app.errors import ModelNotFoundError, UnavailableError
from models.manifest import Manifest, ManifestError, versions

logger = logging.getLogger(__name__)

NUMBER_TYPES = {"FP64": np.float64, "FP32": np.float32, "UINT8": np.uint8}
"""NumPy's type for each datatype of a manifest."""

LOADING = "The models are still being loaded; GET /health/ready says when they are."

Key = tuple[str, int]
Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Model:
    """A model that is served."""

    manifest: Manifest
    predict: Predictor


@dataclass(frozen=True)
class Entry:
    """What is known of one version folder: the model if one is served, the reason if its files are damaged."""

    fingerprint: Fingerprint
    model: Model | None
    reason: str | None

    @property
    def state(self) -> Literal["ready", "damaged"]:
        return "ready" if self.reason is None else "damaged"


class Repository:
    """The models of a folder ``<root>/<name>/<version>/``.

    One thread at a time may call ``refresh``; everything else may be called from any thread at any time.

    Args:
        root: the folder.
        backend: what loads the models.
    """

    def __init__(self, root: Path, backend: Backend) -> None:
        self.root = root
        self.backend = backend
        self.gone_through = False
        self._entries: dict[Key, Entry] = {}

    def refresh(self) -> None:
        """Load what is new or has changed, and forget what is gone. A damaged folder stops nothing else.

        Where the files of a served version turn bad, what was loaded before goes on being served.
        """
        found = dict(self._folders())
        if not found and not self.gone_through:
            logger.warning("There is no model in %s.", self.root)
        for key, folder in found.items():
            before = self._entries.get(key)
            fingerprint = _fingerprint(folder)
            if before is None or before.fingerprint != fingerprint:
                entry = self._read(key, folder, fingerprint, before)
                self._entries = {**self._entries, key: entry}
        gone = self._entries.keys() - found.keys()
        if gone:
            self._entries = {key: entry for key, entry in self._entries.items() if key not in gone}
            logger.info("Removed: %s.", ", ".join(f"{name} {version}" for name, version in sorted(gone)))
        self.gone_through = True

    def get(self, name: str, version: int | None = None) -> Model:
        """The model of that name, in its highest sound version unless one is named.

        Raises:
            ModelNotFoundError: there is none.
            UnavailableError: the repository has not been gone through yet.
        """
        found = {key[1]: entry.model for key, entry in self._entries.items() if key[0] == name and entry.model}
        model = found.get(version or max(found, default=0))
        if model is not None:
            return model
        if not self.gone_through:
            raise UnavailableError(LOADING)
        shown = name[:64]
        if found:
            listed = ", ".join(str(number) for number in sorted(found))
            raise ModelNotFoundError(f"Model '{shown}' has no version {version}; it has {listed}.")
        if any(key[0] == name for key in self._entries):
            raise ModelNotFoundError(f"Model '{shown}' is damaged; GET /health/ready gives the reason.")
        raise ModelNotFoundError(f"There is no model '{shown}'; GET /models lists what there is.")

    def latest(self) -> list[Manifest]:
        """Manifests of the highest sound version of every model, by name.

        Raises:
            UnavailableError: the repository has not been gone through yet, so the list would not be whole.
        """
        if not self.gone_through:
            raise UnavailableError(LOADING)
        names = sorted({name for (name, _), entry in self._entries.items() if entry.model})
        return [self.get(name).manifest for name in names]

    def entries(self) -> list[tuple[Key, Entry]]:
        """All version folders that were found, by name and version."""
        return sorted(self._entries.items(), key=lambda item: item[0])

    def _folders(self) -> Iterator[tuple[Key, Path]]:
        models = sorted(self.root.iterdir()) if self.root.is_dir() else []
        for folder in models:
            if not folder.name.startswith("."):
                try:
                    numbers = versions(folder)
                except OSError:  # a folder that may not be read: its manifest's error will say so
                    numbers = [1]
                for version in numbers:
                    yield (folder.name, version), folder / str(version)

    def _read(self, key: Key, folder: Path, fingerprint: Fingerprint, before: Entry | None) -> Entry:
        name, version = key
        try:
            model = load_model(folder, key, self.backend)
        except Exception as error:  # whatever is wrong with one model, the others are served
            if not isinstance(error, ManifestError | BackendError):
                logger.exception("Loading '%s' version %d failed.", name, version)
                error = BackendError(f"{folder} cannot be loaded: {type(error).__name__}; the log has the details.")
            kept = before.model if before else None
            still = " What was loaded before is still served." if kept else ""
            logger.error("Model '%s' version %d is damaged: %s%s", name, version, error, still)
            return Entry(fingerprint, kept, f"{error}{still}")
        logger.info("Loaded '%s' version %d.", name, version)
        return Entry(fingerprint, model, None)


def load_model(folder: Path, key: Key, backend: Backend) -> Model:
    """Check, load and warm the model of a version folder.

    Raises:
        ManifestError: the manifest or a file is missing, damaged or not what its place says.
        BackendError: the backend cannot run the model, or it does not answer as the manifest promises.
    """
    manifest = Manifest.read(folder)
    if (manifest.name, manifest.version) != key:
        raise ManifestError(
            f"{folder} holds the manifest of '{manifest.name}' version {manifest.version}; move it to its own folder."
        )
    content = manifest.read_file(folder, backend.file)
    try:
        predict = backend.load(content, manifest)
    except BackendError as error:
        raise BackendError(f"{folder / backend.file}: {error}") from error
    _warm(predict, manifest, folder / backend.file)
    return Model(manifest, predict)


def _warm(predict: Predictor, manifest: Manifest, file: Path) -> None:
    """Let the model answer once, so that the first client does not wait for it, and hold it to its promise."""
    expected, output = manifest.inputs[0], manifest.outputs[0]
    image = manifest.image
    free = [2, 0, image.height, image.width] if image else [2]
    shape = [free[axis] if size == -1 else size for axis, size in enumerate(expected.shape)]
    try:
        answer = predict(np.ones(shape, NUMBER_TYPES[expected.datatype]))
    except Exception as error:  # whatever a runtime raises, this model is not fit to be served
        raise BackendError(f"{file} fails on a trial input: {str(error).strip().splitlines()[0]}") from error
    if answer.shape != (2, output.shape[-1]) or answer.dtype != NUMBER_TYPES[output.datatype]:
        raise BackendError(
            f"{file} answers {answer.dtype} of shape {answer.shape}, the manifest promises {output.datatype} of shape "
            f"{tuple(output.shape)}."
        )


def _fingerprint(folder: Path) -> Fingerprint:
    """Changes whenever a file of the folder does."""
    try:
        files = [(entry, entry.stat()) for entry in folder.iterdir()]
    except OSError:  # a file went while we looked; the next look sees what became of it
        return ()
    return tuple(sorted((entry.name, stat.st_mtime_ns, stat.st_size) for entry, stat in files))
