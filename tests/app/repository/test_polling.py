"""Scans of a repository that has not changed look at two things a model, and yet notice every change."""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backends import create_backend
from app.repository.repository import Repository
from app.repository.scan import COARSEST_SECONDS, list_repository
from tests.app.factory import write_sum

NAMES = [f"sum{number}" for number in range(6)]
DUE = 2
"""Models that each scan reads in full."""
CHANGED = NAMES[3]
"""Not due in the first scan, and due in the last of ``SCANS``."""
SCANS = ceil(len(NAMES) / DUE)
"""After which each was."""
TICK_SECONDS = 0.02
"""In which the times of two changes differ on the disk of the tests."""
Change = Callable[[Path], object]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six models, of which scans read two in full, as if they had been written long ago."""
    for name in NAMES:
        write_sum(tmp_path / "repository", name)
    monkeypatch.setattr("app.repository.scan.DUE_MODELS", DUE)
    monkeypatch.setattr("app.repository.scan.COARSEST_SECONDS", -1.0)
    time.sleep(TICK_SECONDS)
    return tmp_path / "repository"


def scanned(root: Path) -> Repository:
    repository = Repository(root, create_backend("onnx", "cpu", 1))
    repository.refresh()
    return repository


def served(repository: Repository) -> dict[tuple[str, int], float | str]:
    """By version, what it predicts for 1 and 2, or that it is damaged."""
    row = np.array([[1.0, 2.0]])
    return {
        key: float(entry.model.predict(row)[0, 0]) if entry.model and not entry.reason else "damaged"
        for key, entry in repository.entries()
    }


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the system calls of Python."""
    counts: Counter[str] = Counter()

    def counting(name: str) -> Callable[..., Any]:
        function = getattr(os, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            counts[name] += 1
            return function(*arguments, **options)

        return counted

    for name in ("stat", "scandir", "open", "listdir"):
        monkeypatch.setattr(os, name, counting(name))
    monkeypatch.setattr("builtins.open", counting("open"))
    return counts


def test_a_scan_of_an_unchanged_repository_reads_only_the_folders_that_are_due(root: Path, looks: Counter[str]) -> None:
    repository = scanned(root)
    for _ in range(SCANS):
        looks.clear()
        repository.refresh()
        assert looks["stat"] <= 2 * len(NAMES) + 2  # model and manifest; the repository's folder before and after
        assert looks["scandir"] <= 1 + 2 * DUE  # model and version
        assert looks["open"] == looks["listdir"] == 0


def test_a_scan_that_finds_no_change_keeps_the_state_and_what_was_derived_from_it(root: Path) -> None:
    repository = scanned(root)
    before = repository._snapshot
    repository.refresh()
    assert repository._snapshot is before


def rewritten(root: Path, name: str = CHANGED) -> None:
    """Every file keeps its inode, and the folder its time."""
    new = write_sum(root.parent / "new", name, weight=7.0)
    for file in new.iterdir():
        (root / name / "1" / file.name).write_bytes(file.read_bytes())


def exchanged(root: Path) -> None:
    new = write_sum(root.parent / "new", CHANGED, weight=7.0)
    shutil.rmtree(root / CHANGED)
    new.parent.rename(root / CHANGED)


def linked(root: Path) -> None:
    new = write_sum(root.parent / "new", CHANGED, version=2, weight=7.0)
    (root / CHANGED / "2").symlink_to(new)


def without_manifest(root: Path) -> None:
    (root / CHANGED / "1" / "manifest.json").unlink()


def damaged_manifest(root: Path) -> None:
    (root / CHANGED / "1" / "manifest.json").write_text(json.dumps({}))


CHANGES: dict[str, Change] = {
    "new-model": lambda root: write_sum(root, "another"),
    "new-version": lambda root: write_sum(root, CHANGED, version=2, weight=7.0),
    "linked-version": linked,
    "removed-version": lambda root: shutil.rmtree(root / CHANGED / "1"),
    "removed-model": lambda root: shutil.rmtree(root / CHANGED),
    "renamed-model": lambda root: (root / CHANGED).rename(root / "renamed"),
    "exchanged-model": exchanged,
    "rewritten-files": rewritten,
    "no-manifest": without_manifest,
    "damaged-manifest": damaged_manifest,
}


@pytest.mark.parametrize("scans", [0, SCANS - 1], ids=["not-due", "due"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_next_scan_finds_what_a_first_one_would(root: Path, change: Change, scans: int) -> None:
    repository = scanned(root)
    for _ in range(scans):
        repository.refresh()
    before = served(repository)
    change(root)
    repository.refresh()
    assert served(repository) == served(scanned(root)) != before


def test_a_file_that_is_damaged_in_place_is_reported_when_its_turn_comes_and_its_model_served_on(root: Path) -> None:
    repository = scanned(root)
    for name in NAMES:
        (root / name / "1" / "model.onnx").write_bytes(b"damaged")
    for scan in range(SCANS):
        repository.refresh()
        assert list(served(repository).values()).count("damaged") == DUE * (scan + 1)
    assert all(repository.get(name) for name in NAMES)


def test_a_folder_is_listed_in_each_scan_until_its_time_is_sure_to_change_with_it(
    root: Path, looks: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.repository.scan.COARSEST_SECONDS", COARSEST_SECONDS)
    listing = list_repository(root)
    looks.clear()
    listing = list_repository(root, listing)
    assert looks["scandir"] == 1 + len(NAMES)
    monkeypatch.setattr("app.repository.scan.COARSEST_SECONDS", 0.0)
    looks.clear()
    list_repository(root, list_repository(root, listing))
    assert looks["scandir"] == 2 + len(NAMES) + DUE
