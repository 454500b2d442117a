"""Who knows whom: training -> models, app -> what of models needs no PyTorch; serving ONNX imports none."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.imports import ROOT, import_levels, imports, python_files, relative, within

SERVE = """
import sys
from pathlib import Path
from tests.app.factory import running, write_sum

write_sum(Path(sys.argv[1]))
with running(Path(sys.argv[1])) as client:
    answer = client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[3, 4]]})
assert answer.json()["predictions"] == [[7.0]], answer.text
from app.http.problems import Problem
assert not Problem.__pydantic_complete__, "what documents responses is prepared for the OpenAPI document only"
"""
LIST_MODULES = "\nprint(*sorted({name.partition('.')[0] for name in sys.modules}))"


def modules_after(code: str, *arguments: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after the code."""
    command = [sys.executable, "-c", f"import sys\n{code}{LIST_MODULES}", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.split())


def foreign(folder: str, *packages: str) -> set[tuple[str, str]]:
    """(file, dotted name) of what the code of a folder imports of these packages."""
    found = ((relative(file), name) for file in python_files(folder) for _, name in imports(file))
    return {(file, name) for file, name in found if within(name, *packages)}


@pytest.mark.slow
def test_serving_a_prediction_from_onnx_imports_neither_torch_nor_training(tmp_path: Path) -> None:
    modules = modules_after(SERVE, str(tmp_path))
    assert {"app", "models", "onnxruntime"} <= modules
    assert not {"torch", "training", "safetensors", "sklearn", "matplotlib", "pyarrow", "obstore", "PIL"} & modules


LOAD = """
from pathlib import Path
from app.backends import create_backend
from app.repository.load import load_model

load_model(Path("repository/add/1"), ("add", 1), create_backend("onnx", "cpu", 1))
assert "onnx" not in sys.modules, "it takes as long to import as all models to load"
"""
START = """
import gc
import runpy

sys.argv = ["app", "--help"]
try:
    runpy.run_module("app", run_name="__main__")
except SystemExit:
    assert gc.isenabled(), "it is off while modules are imported"
"""


@pytest.mark.slow
def test_importing_a_module_of_the_service_imports_no_torch() -> None:
    modules = ["models", "models.manifest", "models.uncertainty", "models.curves", "models.decoding"]
    modules += ["models.object_store", "app.main", "app.__main__"]
    check = "assert not {'torch', 'training'} & sys.modules.keys(), "
    assert "app" in modules_after(
        "\n".join(f"import {module}; {check}'by {module}'" for module in modules) + LOAD + START
    )


@pytest.mark.slow
def test_a_fit_starts_without_what_only_some_fits_need() -> None:
    modules = modules_after("import training.cli.fit_command")
    assert {"torch", "sympy"} <= modules
    assert not {"sklearn", "onnxscript", "matplotlib", "pandas", "pyarrow", "onnxruntime"} & modules


def test_app_imports_only_what_needs_no_torch_from_models() -> None:
    assert foreign("app", "models")
    allowed = ("curves", "manifest", "decoding", "object_store", "onnx_graph", "uncertainty")
    assert foreign("app", "models") == foreign("app", *(f"models.{name}" for name in allowed))


def test_app_does_not_import_training() -> None:
    assert foreign("app", "training") == set()


def test_only_the_torchscript_backend_imports_torch_in_app() -> None:
    assert {file for file, _ in foreign("app", "torch")} == {"app/backends/torchscript.py"}


def test_onnx_runtime_is_imported_only_where_its_telemetry_is_turned_off() -> None:
    assert {file for file, _ in foreign("app", "onnxruntime")} == {"app/backends/onnx.py"}
    assert {file for file, _ in foreign("training", "onnxruntime")} == {"training/export/onnx_predictor.py"}
    assert {file for file, _ in foreign("benchmarks", "onnxruntime")} == {
        "benchmarks/serving/fastapi_baseline.py",
        "benchmarks/serving/peers/programs/models.py",
        "benchmarks/triton/backend/model.py",
    }
    assert foreign("models", "onnxruntime") == set()


def test_models_imports_its_own_relatively_so_that_it_works_under_another_name() -> None:
    own = [
        f"{relative(file)}:{line} {module}"
        for file in python_files("models")
        for line, level, module in import_levels(file)
        if not level and within(module, "models")
    ]
    assert not own, f"Import these relatively: {own}"


@pytest.mark.parametrize("folder", ["app", "training", "benchmarks", "tests"])
def test_all_else_imports_by_absolute_names(folder: str) -> None:
    files = [(file, level) for file in python_files(folder) for _, level, _ in import_levels(file)]
    assert not {relative(file) for file, level in files if level}


def test_models_imports_neither_app_nor_training() -> None:
    assert foreign("models", "app", "training") == set()


def test_training_does_not_import_app() -> None:
    assert foreign("training", "app") == set()


@pytest.mark.parametrize("folder", ["app", "models", "training"])
def test_nothing_imports_the_tests(folder: str) -> None:
    assert foreign(folder, "tests") == set()
