"""Makes the mirror that the settings ask for."""

from app.repository.mirror.cache import MirrorCache, default_cache
from app.repository.mirror.mirror import Mirror
from app.settings import Settings, SettingsError
from models.object_store import ObjectStore, StoreError


def open_mirror(settings: Settings) -> Mirror | None:
    """The mirror of the repository's address; None where the repository is a folder.

    Raises:
        SettingsError: a package or an environment variable of the store is missing, or the cache cannot be written to.
    """
    if not isinstance(settings.repository, str):
        return None
    try:
        store = ObjectStore.open(settings.repository)
        cache = MirrorCache(settings.repository_cache or default_cache(), store.address, store.endpoint)
    except StoreError as error:
        raise SettingsError(f"NALU_REPOSITORY: {error}") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: the user has no home folder
        reason = getattr(error, "strerror", None) or "there is no home folder"
        raise SettingsError(
            f"NALU_REPOSITORY_CACHE is '{settings.repository_cache or '~/.cache'}', where {settings.repository} cannot "
            f"be mirrored ({reason}); give a folder that can be written to."
        ) from error
    return Mirror(store, cache, settings.repository_poll_seconds)
