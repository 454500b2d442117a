"""Checks a repository before the service starts."""

import os

from app.repository.mirror.mirror import Mirror
from app.settings import Settings, SettingsError
from models.object_store import EmptyStoreError, StoreError


def check_repository(settings: Settings, mirror: Mirror | None) -> None:
    """Check that the folder, or what it mirrors, can be read.

    Raises:
        SettingsError: it cannot, or it is an object store without a model.
    """
    folder = settings.repository
    try:
        if mirror is not None:
            mirror.check()
            return
        with os.scandir(folder):
            pass
    except StoreError as error:
        if not (isinstance(error, EmptyStoreError) and settings.may_serve_nothing):
            raise SettingsError(f"NALU_REPOSITORY: {error}") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SettingsError(
            f"NALU_REPOSITORY is '{folder}', which is not a folder; give the folder of the models."
        ) from error
    except OSError as error:
        raise SettingsError(
            f"NALU_REPOSITORY is '{folder}', which cannot be read ({error.strerror}); let the service's user read it, "
            "or give another folder."
        ) from error
