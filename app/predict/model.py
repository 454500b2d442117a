"""The model of a command, loaded from the repository as the service loads it."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from app.backends import create_backend
from app.backends.cpu import cpu_budget
from app.predict.errors import PredictError
from app.repository.load import LoadedModel, load_model
from app.repository.mirror.mirror import Mirror
from app.repository.mirror.open_mirror import open_mirror
from app.repository.model_folder import folder_lister
from app.repository.scan import Listing
from app.settings import Settings
from models.object_store import StoreError

Notify = Callable[[str], None]


def load_latest(settings: Settings, name: str, version: int | None, notify: Notify) -> LoadedModel:
    """Verify and load a model.

    Args:
        settings: repository, or folder of the one model of that name, backend and device.
        name: of the model.
        version: None for the highest.
        notify: gets a sentence where the object store is unavailable, or where its newest version cannot be fetched, so
            that an older one is used.

    Raises:
        PredictError: there is no such model or version, or its folder or object store cannot be read.
        SettingsError: the object store cannot be opened.
        ManifestError: its files are damaged.
        BackendError: the backend cannot load it.
    """
    mirror = _refreshed_mirror(settings, notify)
    listing = _list(mirror.folder if mirror else Path(settings.repository), settings.model_name)
    rejected = {number: why for (model, number), why in mirror.rejections.items() if model == name} if mirror else {}
    if name in listing.unreadable:
        raise PredictError(listing.unreadable[name])
    folders = {number: folder for (model, number), folder in listing.folders.items() if model == name}
    if not folders and not rejected:
        others = ", ".join(sorted({model for model, _ in listing.folders})) or "none"
        source = ", as NALU_MODEL_NAME says" if settings.model_name else ""
        raise PredictError(f"There is no model '{name}' in {settings.repository}; it has {others}{source}.")
    if version is not None and version not in folders and version not in rejected:
        raise PredictError(f"Model '{name}' has no version {version}; it has {', '.join(map(str, folders))}.")
    used = _fetched_version(version, folders, rejected, notify)
    backend = create_backend(settings.backend, settings.device, settings.threads or cpu_budget())
    return load_model(folders[used], (name, used), backend, rename=settings.model_name is not None)


def _refreshed_mirror(settings: Settings, notify: Notify) -> Mirror | None:
    """The mirror of an object store, brought up to date; None where the repository is a folder."""
    mirror = open_mirror(settings)
    if mirror is None:
        return None
    try:
        mirror.check()
    except StoreError as error:
        raise PredictError(f"The repository {error}") from error
    logging.getLogger(Mirror.__module__).addHandler(logging.NullHandler())  # the user is notified instead
    mirror.refresh()
    if mirror.outage is not None:
        notify(mirror.outage.reason)
    return mirror


def _list(root: Path, model_name: str | None) -> Listing:
    if not root.is_dir():
        raise PredictError(f"The repository '{root}' is not a folder; name that of the models with --repository.")
    try:
        return folder_lister(model_name)(root, None)
    except OSError as error:
        raise PredictError(f"{error.filename} cannot be read: {error.strerror}.") from error


def _fetched_version(
    version: int | None, folders: Mapping[int, Path], rejected: Mapping[int, str], notify: Notify
) -> int:
    """The version that is asked for, or of None the highest that has a folder."""
    wanted = version or max([*folders, *rejected])
    if wanted not in rejected:
        return wanted
    usable = [number for number in folders if number == wanted or version is None]
    if not usable:
        raise PredictError(rejected[wanted])
    used = max(usable)
    notify(f"{rejected[wanted]} Version {used} is used{' as it was fetched before' * (used == wanted)}.")
    return used
