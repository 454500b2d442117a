"""Who knows whom: training -> models, app -> what of models needs no PyTorch; serving ONNX imports none."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SERVE = """
import sys
from pathlib import Path
from tests.app.factory import running, write_sum

write_sum(Path(sys.argv[1]))
with running(Path(sys.argv[1])) as client:
    answer = client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[3, 4]]})
assert answer.json()["predictions"] == [[7.0]], answer.text
"""
LIST_MODULES = "\nprint(*sorted({name.partition('.')[0] for name in sys.modules}))"


def modules_after(code: str, *arguments: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after the code."""
    command = [sys.executable, "-c", f"import sys\n{code}{LIST_MODULES}", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.split())


def imports(folder: str) -> Iterator[tuple[str, str]]:
    """(file, dotted name) of everything that the code of a folder imports, wherever in the file."""
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, f"{folder} holds no code"
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            where = str(file.relative_to(ROOT))
            if isinstance(node, ast.Import):
                yield from ((where, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{where} imports relatively"
                yield from ((where, f"{node.module}.{alias.name}") for alias in node.names)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_serving_a_prediction_from_onnx_imports_neither_torch_nor_training(tmp_path: Path) -> None:
    modules = modules_after(SERVE, str(tmp_path))
    assert {"app", "models", "onnxruntime"} <= modules
    assert not {"torch", "training", "safetensors", "sklearn", "matplotlib"} & modules


@pytest.mark.parametrize("module", ["models", "models.manifest", "models.decoding", "app.main", "app.__main__"])
def test_importing_a_module_of_the_service_imports_no_torch(module: str) -> None:
    assert not {"torch", "training"} & modules_after(f"import {module}")


def test_app_imports_only_what_needs_no_torch_from_models() -> None:
    foreign = [(file, name) for file, name in imports("app") if within(name, "models")]
    assert foreign
    assert [entry for entry in foreign if not within(entry[1], "models.manifest", "models.decoding")] == []


def test_app_does_not_import_training() -> None:
    assert [entry for entry in imports("app") if within(entry[1], "training")] == []


def test_only_the_torchscript_backend_imports_torch_in_app() -> None:
    assert {file for file, name in imports("app") if within(name, "torch")} == {"app/backends/torchscript.py"}


def test_models_imports_neither_app_nor_training() -> None:
    assert [entry for entry in imports("models") if within(entry[1], "app") or within(entry[1], "training")] == []


def test_training_does_not_import_app() -> None:
    assert [entry for entry in imports("training") if within(entry[1], "app")] == []


@pytest.mark.parametrize("folder", ["app", "models", "training"])
def test_nothing_imports_the_tests(folder: str) -> None:
    assert [entry for entry in imports(folder) if within(entry[1], "tests")] == []
