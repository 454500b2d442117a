"""The model of a command, loaded from the repository as the service loads it."""

from pathlib import Path

from app.backends import create_backend
from app.backends.cpu import cpu_budget
from app.predict.errors import PredictError
from app.repository.load import LoadedModel, load_model
from app.repository.mirror.open_mirror import open_mirror
from app.settings import Settings
from models.manifest import versions
from models.object_store import StoreError


def load_latest(settings: Settings, name: str, version: int | None) -> LoadedModel:
    """Verify and load a model.

    Args:
        settings: repository, backend and device.
        name: of the model.
        version: None for the highest.

    Raises:
        PredictError: there is no such model or version, or its folder or object store cannot be read.
        SettingsError: the object store cannot be opened.
        ManifestError: its files are damaged.
        BackendError: the backend cannot load it.
    """
    root = _folder(settings)
    if not root.is_dir():
        raise PredictError(f"The repository '{root}' is not a folder; name that of the models with --repository.")
    try:
        names = sorted(folder.name for folder in root.iterdir())
        found = versions(root / name) if name in names else []
    except OSError as error:
        raise PredictError(f"{error.filename} cannot be read: {error.strerror}.") from error
    if not found:
        others = ", ".join(other for other in names if not other.startswith(".") and _has_versions(root / other))
        raise PredictError(f"There is no model '{name}' in {settings.repository}; it has {others or 'none'}.")
    if version is not None and version not in found:
        raise PredictError(f"Model '{name}' has no version {version}; it has {', '.join(map(str, found))}.")
    key = (name, version or found[-1])
    backend = create_backend(settings.backend, settings.device, settings.threads or cpu_budget())
    return load_model(root / name / str(key[1]), key, backend)


def _folder(settings: Settings) -> Path:
    """The folder of the repository, which of an object store is its mirror, brought up to date."""
    mirror = open_mirror(settings)
    if mirror is None:
        return Path(settings.repository)
    try:
        mirror.check()
    except StoreError as error:
        raise PredictError(f"The repository {error}") from error
    mirror.refresh()
    return mirror.folder


def _has_versions(folder: Path) -> bool:
    try:
        return bool(versions(folder))
    except OSError:  # as of a disk's lost+found
        return False
