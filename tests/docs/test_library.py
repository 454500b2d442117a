"""The library's wheel, in a project whose own packages are called as those of the application are."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from library.build import NEED_MORE_THAN_PYTORCH, build_wheel, stage_application, stage_library
from tests.architecture.imports import file_graph, imports, python_files, relative
from tests.docs.pages import LIBRARY, ROOT, blocks, printed

OWN = {"app/__init__.py": "x = 1\n", "models/__init__.py": "y = 2\n", "training/__init__.py": "z = 3\n"}
USE_OWN = """
import app, models, training
assert (app.x, models.y, training.z) == (1, 2, 3)
import sys
loaded = {name.partition(".")[0] for name in sys.modules}
assert not {"pydantic", "PIL", "onnx", "fastapi"} & loaded, loaded
"""


def needs_more_than_pytorch(file: Path) -> set[str]:
    """What a file imports that comes neither with Python nor with PyTorch nor out of ``models``."""
    names = {name.partition(".")[0] for _, name in imports(file)}
    return names - set(sys.stdlib_module_names) - {"torch", "models"}


def test_the_library_leaves_out_exactly_what_needs_more_than_pytorch() -> None:
    graph = file_graph("models")
    left_out = {relative(file) for file in python_files("models") if needs_more_than_pytorch(file)}
    while more := {file for file, used in graph.items() if used & left_out} - left_out:
        left_out |= more
    listed = tuple(f"models/{name}" for name in NEED_MORE_THAN_PYTORCH)
    assert left_out - {"models/__init__.py"} <= {file for file in graph if file.startswith(listed)}
    assert {name for name in listed if not any(file.startswith(name) for file in left_out)} == set()


def test_both_wheels_have_the_same_version_and_the_library_needs_pytorch_alone() -> None:
    projects = [tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"] for folder in ("", "library")]
    assert projects[0]["version"] == projects[1]["version"]
    assert [re.split(r"\W", each)[0] for each in projects[1]["dependencies"]] == ["torch"]
    assert projects[0]["requires-python"] == projects[1]["requires-python"]
    assert projects[0]["description"].startswith("An application ")


def test_the_units_that_the_page_names_are_there() -> None:
    [row] = [line for line in LIBRARY.read_text(encoding="utf-8").splitlines() if "`NMU`" in line and "|" in line]
    units = {
        node.name
        for file in python_files("models/units")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    named = set(re.findall(r"`(\w+)`", row))
    assert len(named) > 15
    assert named <= units


@pytest.mark.slow
def test_the_page_s_code_runs_beside_packages_called_app_models_and_training(tmp_path: Path) -> None:
    stage_library(tmp_path / "staged")
    build_wheel(tmp_path / "staged", tmp_path / "wheels")
    [wheel] = (tmp_path / "wheels").iterdir()
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")  # which is what pip does with a wheel of Python code
    for name, content in OWN.items():
        (tmp_path / "project" / name).parent.mkdir(parents=True)
        (tmp_path / "project" / name).write_text(content)
    code = "\n".join(blocks(LIBRARY, "python"))
    done = subprocess.run(
        [sys.executable, "-c", code + USE_OWN],
        cwd=tmp_path / "project",
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == printed(code), done.stderr
    assert done.returncode == 0, done.stderr
    [metadata] = (tmp_path / "site").glob("*.dist-info")
    assert PathDistribution(metadata).metadata["Description-Content-Type"] == "text/markdown"
    assert "# The library" in (PathDistribution(metadata).metadata.get_payload() or "")  # type: ignore[operator]
    assert (tmp_path / "site" / "nalu_units" / "py.typed").is_file()


@pytest.mark.slow
def test_the_application_s_wheel_holds_every_file_of_its_packages_and_nothing_else(tmp_path: Path) -> None:
    stage_application(tmp_path / "staged")
    build_wheel(tmp_path / "staged", tmp_path / "wheels")
    [wheel] = (tmp_path / "wheels").iterdir()
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(
        ["git", "ls-files", "app", "models", "training"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert held == set(tracked.stdout.split())
