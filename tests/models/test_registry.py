import subprocess
import sys

import pytest

from models.registry import Registry, UnknownNameError
from models.units import UNITS
from models.units.nalu import NALU
from models.units.real_npu import RealNPU


def test_names_are_the_files_without_helpers() -> None:
    names = Registry("default model", "training.recipes", "RECIPE").names()
    assert {"add", "multiply"} <= set(names)
    assert names == sorted(names)


def test_units_are_listed_as_their_papers_spell_them() -> None:
    published = {"NAC", "NAC-dot", "NALU", "iNALU", "G-NALU", "NAU", "NMU", "sNMU", "NPU", "RealNPU", "NRU", "NMRU"}
    assert published <= set(UNITS.names())
    assert UNITS.names() == sorted(UNITS.names(), key=str.lower)


def test_an_entry_is_found_whatever_its_case_and_hyphens() -> None:
    assert UNITS.load("NALU") is UNITS.load("nalu") is NALU
    for spelling in ("RealNPU", "realnpu", "real-npu", "Real_NPU"):
        assert UNITS.load(spelling) is RealNPU
        assert UNITS.canonical(spelling) == "RealNPU"
    assert Registry("default model", "training.recipes", "RECIPE").canonical("Square_Root") == "square-root"


def test_where_the_attribute_is_optional_files_without_it_are_no_entries() -> None:
    tasks: Registry[object] = Registry("task", "training.recipes", "TASK", optional=True)
    assert "add" in tasks.names()
    assert "digit" not in tasks.names()
    with pytest.raises(UnknownNameError, match=r"^Unknown task 'digit'\. Available: add, divide, .*\.$"):
        tasks.load("digit")


def test_underscores_in_files_are_hyphens_in_names() -> None:
    registry: Registry[object] = Registry("module", "models", "nac_weight")
    assert "functional" in registry.names()
    assert Registry("default model", "training.recipes", "RECIPE").names().count("square-root") == 1


def test_an_unknown_name_is_answered_with_what_there_is() -> None:
    for look_up in (UNITS.load, UNITS.canonical):
        with pytest.raises(UnknownNameError, match=r"^Unknown unit 'nca'\. Available: .*G-NALU, .*NAC, NAC-dot, .*\.$"):
            look_up("nca")


def test_listing_names_imports_no_entry() -> None:
    code = (
        "import sys; from models.registry import Registry; "
        "print(Registry('default model', 'training.recipes', 'RECIPE').names()); "
        "print('training.recipes.add' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
