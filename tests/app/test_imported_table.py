"""An imported table whose training range is not known: nothing is said about extrapolation, rather than something."""

from pathlib import Path

import pytest

from tests.app.factory import manifest_of, running, sum_onnx, write_version


def write_unknown_range(root: Path, name: str = "rangeless") -> Path:
    training = manifest_of(name, 1)["training"] | {"ranges": []}
    return write_version(root, sum_onnx(), manifest_of(name, 1, unit="ONNX", dims=[], formula=None, training=training))


@pytest.mark.parametrize("rows", [1, 20])
def test_rows_of_a_model_of_unknown_range_are_neither_inside_nor_outside(tmp_path: Path, rows: int) -> None:
    write_unknown_range(tmp_path)
    with running(tmp_path) as client:
        response = client.post("/predict/arithmetic", json={"model": "rangeless", "inputs": [[1, 2]] * rows}).json()
    assert response["extrapolated"] == [None] * rows
    assert response["predictions"] == [[3.0]] * rows
