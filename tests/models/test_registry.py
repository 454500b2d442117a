import subprocess
import sys

import pytest

from models.registry import Registry, UnknownNameError
from models.units import UNITS
from models.units.nalu import NALU


def test_names_are_the_files_without_helpers() -> None:
    assert UNITS.names() == ["nac", "nalu"]


def test_an_entry_is_found_whatever_its_case() -> None:
    assert UNITS.load("NALU") is UNITS.load("nalu") is NALU


def test_underscores_in_files_are_hyphens_in_names() -> None:
    registry: Registry[object] = Registry("module", "models", "nac_weight")
    assert "functional" in registry.names()
    assert Registry("task", "training.tasks", "TASK").names().count("square-root") == 1


def test_an_unknown_name_is_answered_with_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match=r"^Unknown unit 'nca'. Available: nac, nalu\.$"):
        UNITS.load("nca")


def test_listing_names_imports_no_entry() -> None:
    code = (
        "import sys; from models.registry import Registry; "
        "print(Registry('unit', 'training.tasks', 'TASK').names()); print('training.tasks.add' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
