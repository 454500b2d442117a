"""The command needs what serving needs, and nothing of training."""

import subprocess
import sys
from pathlib import Path

import pytest

from models.manifest import Manifest
from tests.architecture.imports import ROOT
from tests.training.onnx_import.graphs import linear, write

WITHOUT = (
    "matplotlib",
    "onnxscript",
    "pandas",
    "pint",
    "pyarrow",
    "python_calamine",
    "safetensors",
    "scipy",
    "sklearn",
    "sympy",
    "threadpoolctl",
    "torch",
    "tqdm",
)
RUN = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {WITHOUT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from training.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", RUN, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_a_graph_is_imported_without_what_training_needs_but_for_the_table_of_its_data(tmp_path: Path) -> None:
    path, repository = write(tmp_path, linear()), tmp_path / "repository"
    ended = run("import", str(path), "--columns", "a", "b", "c", "--repository", str(repository))
    assert ended.returncode == 0, ended.stderr
    assert Manifest.read(repository / "model" / "1").columns == ["a", "b", "c"]
    (tmp_path / "t.csv").write_text("a,b,c\n1,2,3\n")
    ended = run("import", str(path), "--columns", "a", "b", "c", "--data", str(tmp_path / "t.csv"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == ("nalu-serve: Training needs tqdm: pip install 'nalu-serve[training]', or make install.\n")
