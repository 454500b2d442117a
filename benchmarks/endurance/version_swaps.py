"""Adds and removes versions of a model under load."""

import asyncio
import json
import random
import shutil
from collections import Counter
from pathlib import Path
from time import monotonic

MODEL = "multiply"
KEPT = 2
"""Further versions that lie beside version 1 before the oldest of them goes."""
NOTICED_SECONDS = 15.0
"""Time that the service may take to serve a new version, or to stop serving one that is gone."""


class VersionSwaps:
    """Copies version 1 as version 2, 3, ..., renames it in, and takes the old ones out again.

    Args:
        repository: the folder that is served, a copy.
        pause_seconds: longest time between two changes.
    """

    def __init__(self, repository: Path, pause_seconds: float = 3.0) -> None:
        self.folder = repository / MODEL
        self.pause_seconds = pause_seconds
        self.staging = repository.with_name("staging")  # beside, so that a rename is enough
        self.came: dict[int, float] = {1: monotonic()}
        self.went: dict[int, float] = {}
        self.seen: Counter[int] = Counter()
        self.missed: list[int] = []

    @property
    def written(self) -> int:
        """Number of added versions."""
        return len(self.came) - 1

    def record_version(self, model: str, version: int) -> str | None:
        """Record the version of a response; returns why it is wrong, or None."""
        if model != MODEL:
            return None if version == 1 else f"{model} has no version {version}"
        if version not in self.came:
            return f"{model} never had a version {version}"
        if monotonic() > self.went.get(version, monotonic()) + NOTICED_SECONDS:
            return f"{model} {version} has been gone for {NOTICED_SECONDS:.0f} seconds"
        self.seen[version] += 1
        return None

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            version = max(self.came) + 1
            await asyncio.to_thread(self.add, version)
            await self._wait_for(version)
            further = sorted(self.came.keys() - self.went.keys() - {1})
            for old in further[: max(0, len(further) - KEPT)]:
                await asyncio.to_thread(self.remove, old)
            await asyncio.sleep(random.uniform(0, self.pause_seconds))

    def add(self, version: int) -> None:
        """Put a version in, whole from its first moment."""
        new = self.staging / str(version)
        shutil.copytree(self.folder / "1", new)
        manifest = json.loads((new / "manifest.json").read_text(encoding="utf-8"))
        (new / "manifest.json").write_text(json.dumps({**manifest, "version": version}), encoding="utf-8")
        self.came[version] = monotonic()
        new.rename(self.folder / str(version))

    def remove(self, version: int) -> None:
        """Take a version out at once."""
        gone = self.staging / f"gone-{version}"
        (self.folder / str(version)).rename(gone)
        self.went[version] = monotonic()
        shutil.rmtree(gone)

    async def _wait_for(self, version: int) -> None:
        end = monotonic() + NOTICED_SECONDS
        while monotonic() < end:
            if self.seen[version]:
                return
            await asyncio.sleep(0.05)
        self.missed.append(version)
