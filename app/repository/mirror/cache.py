"""The folder that a store is mirrored into, which survives restarts and which several processes may share.

<cache>/<store>/<name>/<version>   a link to one of the folders below, so that one rename replaces a version
<cache>/<store>/.versions/...      the fetched folders
<cache>/<store>/.state.json        see ``state``
<cache>/<store>/.lock              held by the process that looks
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from app.repository.mirror.state import MirrorState
from app.repository.scan import Key, list_repository

STATE_FILE = ".state.json"


def default_cache() -> Path:
    """Where caches lie: in the user's folder of caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nalu-serve" / "repositories"


class MirrorCache:
    """The cache of one store.

    Args:
        base: folder of all caches.
        address: of the store.
        endpoint: that it is reached by, as two stores may hold buckets of one name.

    Raises:
        OSError: the folder cannot be made, or not be written to.
    """

    def __init__(self, base: Path, address: str, endpoint: str = "") -> None:
        digest = hashlib.sha256(f"{address}\0{endpoint}".encode()).hexdigest()[:8]
        self.folder = base.absolute() / f"{re.sub(r'[^A-Za-z0-9._]+', '-', address)[:64]}-{digest}"
        self._versions = self.folder / ".versions"
        self.prepare()

    def prepare(self) -> None:
        """Make the folders, which a cleaner of temporary files may have removed.

        Raises:
            OSError: they cannot be made, or not be written to.
        """
        self._versions.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=self._versions).close()

    @contextmanager
    def lock(self, wait_seconds: float) -> Iterator[bool]:
        """Whether this process is the one that looks, after it has waited for others. A killed process lets go.

        Args:
            wait_seconds: longest time to wait; -1: for ever.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def read_state(self) -> MirrorState:
        """The state, or that of an empty cache."""
        try:
            return MirrorState.model_validate_json((self.folder / STATE_FILE).read_bytes())
        except (OSError, ValidationError):
            return MirrorState()

    def write_state(self, state: MirrorState) -> None:
        """Write the state by one rename.

        Raises:
            OSError: it cannot be written.
        """
        written = self.folder / f"{STATE_FILE}.new"
        written.write_text(state.model_dump_json(indent=1), encoding="utf-8")
        written.replace(self.folder / STATE_FILE)

    def versions(self) -> dict[Key, Path]:
        """The fetched folders, by name and version."""
        try:
            return {key: folder.resolve() for key, folder in list_repository(self.folder).folders.items()}
        except OSError:
            return {}

    def new_folder(self) -> Path:
        """An empty folder to fetch a version into."""
        return Path(tempfile.mkdtemp(prefix="new-", dir=self._versions))

    def publish(self, folder: Path, key: Key) -> None:
        """Let a fetched folder take the place of a version by one rename: it is there at all times, old or new."""
        target = self.folder / key[0] / str(key[1])
        target.parent.mkdir(exist_ok=True)
        link = folder.with_suffix(".link")
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(folder, target.parent), target_is_directory=True)
        link.replace(target)

    def remove(self, key: Key) -> None:
        """Remove a version that left the store, and its model's folder with the last one."""
        target = self.folder / key[0] / str(key[1])
        target.unlink(missing_ok=True)
        with suppress(OSError):  # it has other versions
            target.parent.rmdir()

    def clean(self) -> None:
        """Remove the folders that no version links to, those of a process that was killed among them.

        None is removed where the links cannot all be read, as without a free file descriptor.
        """
        try:
            listing = list_repository(self.folder)
        except OSError:
            return
        if listing.unreadable:
            return
        linked = {folder.resolve().name for folder in listing.folders.values()}
        for path in self._versions.iterdir():
            if path.name not in linked:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
