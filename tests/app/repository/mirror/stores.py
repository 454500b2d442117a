"""Object stores for tests: obstore's own in memory, which fail on demand."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from obstore.store import MemoryStore

from app.backends import create_backend
from app.repository.mirror.cache import MirrorCache
from app.repository.mirror.mirror import Mirror
from app.repository.repository import Repository
from models.object_store import ObjectStore

ADDRESS = "s3://bucket/models"


class Bucket:
    """A store in memory; ``before`` runs before every request, and may raise as obstore does."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.memory = MemoryStore()
        self.before: Callable[[str], None] = lambda path: None
        self.change: Callable[[str, bytes], bytes] = lambda path, content: content
        self.requests: list[str] = []

    def upload(self, pattern: str = "*/*/*") -> None:
        """Upload the source's files, manifests last."""
        for path in sorted(self.source.glob(pattern), key=lambda path: path.name == "manifest.json"):
            self.memory.put(path.relative_to(self.source).as_posix(), path.read_bytes())

    def list(self, prefix: str | None = None, **options: Any) -> Iterator[Any]:
        self._request("")
        return iter(self.memory.list(prefix, **options))

    def get_range(self, path: str, *, start: int, length: int) -> bytes:
        self._request(path)
        return self.change(path, bytes(self.memory.get_range(path, start=start, length=length)))

    def _request(self, path: str) -> None:
        self.requests.append(path)
        self.before(path)

    def mirror(self, cache: Path, poll_seconds: float = 0.0) -> Mirror:
        return Mirror(ObjectStore(ADDRESS, self), MirrorCache(cache, ADDRESS), poll_seconds)

    def repository(self, cache: Path, poll_seconds: float = 0.0) -> Repository:
        """A repository that has just been started on the mirror."""
        mirror = self.mirror(cache, poll_seconds)
        backend = create_backend("onnx", "cpu", 1)
        repository = Repository(mirror.folder, backend, settle_seconds=poll_seconds, mirror=mirror)
        repository.refresh()
        return repository

    def delete(self, prefix: str) -> None:
        self.memory.delete([entry["path"] for page in self.memory.list(prefix) for entry in page])
        shutil.rmtree(self.source / prefix, ignore_errors=True)


def contents(root: Path) -> dict[str, bytes]:
    """Every file of every version below a folder, by its path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.glob("*/*/*")
        if not path.relative_to(root).parts[0].startswith(".")
    }
