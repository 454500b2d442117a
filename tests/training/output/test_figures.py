"""Matplotlib's folders: the user's own, else a temporary one."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from training.output.figures import MATPLOTLIB_VARIABLE, matplotlib_folder

HOME_VARIABLES = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", MATPLOTLIB_VARIABLE)
FOLDERS = (".config/matplotlib", ".cache/matplotlib") if sys.platform.startswith("linux") else (".matplotlib",)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, in a process that has not imported matplotlib."""
    for name in HOME_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    return tmp_path


def folder_within() -> str | None:
    with matplotlib_folder():
        return os.environ.get(MATPLOTLIB_VARIABLE)


def test_without_folders_of_the_user_a_temporary_one_is_set_and_removed(home: Path) -> None:
    folder = folder_within()
    assert folder is not None
    assert not Path(folder).is_relative_to(home)
    assert not Path(folder).exists()
    assert MATPLOTLIB_VARIABLE not in os.environ


def test_the_user_s_folders_and_variable_are_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in FOLDERS:
        (home / folder).mkdir(parents=True)
    assert folder_within() is None
    monkeypatch.setenv(MATPLOTLIB_VARIABLE, "chosen")
    assert folder_within() == "chosen"
    assert os.environ[MATPLOTLIB_VARIABLE] == "chosen"


def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)


def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)


@pytest.mark.parametrize("break_home", [missing, read_only])
def test_a_home_folder_that_is_missing_or_read_only_is_not_used(
    home: Path, monkeypatch: pytest.MonkeyPatch, break_home: Callable[[pytest.MonkeyPatch], None]
) -> None:
    for folder in FOLDERS:
        (home / folder).mkdir(parents=True)
    with monkeypatch.context() as patch:
        break_home(patch)
        assert folder_within() is not None


def test_a_matplotlib_that_is_imported_already_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", sys)
    assert folder_within() is None
    assert list(home.iterdir()) == []
