"""ONNX Runtime starts without its telemetry, wherever it is imported, unless the environment says otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.backends.onnx import TELEMETRY_VARIABLE, import_onnxruntime
from tests.architecture.imports import ROOT
from tests.end_to_end.tracing import files_below
from training.export import onnx_predictor

MODEL = ROOT / "repository" / "add" / "1" / "model.onnx"
STARTS = {
    "app": "from app.backends import create_backend; create_backend('onnx', 'cpu', 1)",
    "training": f"from pathlib import Path; from training.export.onnx_predictor import cpu_session\n"
    f"cpu_session(Path({str(MODEL)!r}))",
}


def printed(code: str, home: Path, **variables: str) -> str:
    """What a fresh interpreter with this home folder prints, natively too."""
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(home), "PATH": ""} | variables
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("code", STARTS.values(), ids=STARTS)
def test_it_leaves_no_device_id_and_no_database_at_home(code: str, tmp_path: Path) -> None:
    assert printed(code, tmp_path) == ""
    assert files_below(tmp_path) == []


@pytest.mark.slow
def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    assert printed(STARTS["app"], tmp_path, **{TELEMETRY_VARIABLE: ""}) == ""
    assert files_below(tmp_path) == []


@pytest.mark.slow
def test_it_prints_nothing_where_the_home_folder_cannot_be_written_to(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("no folder")
    assert printed(STARTS["app"], home) == ""


@pytest.mark.parametrize("value", ["0", "1", "true"])
def test_a_value_that_the_user_has_set_is_kept(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TELEMETRY_VARIABLE, value)
    import_onnxruntime()
    onnx_predictor.cpu_session(MODEL)
    assert os.environ[TELEMETRY_VARIABLE] == value
