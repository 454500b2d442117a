"""A pipeline of scikit-learn, by skl2onnx, answers as scikit-learn did when ``benchmarks.imported`` wrote it down."""

import json
import shutil
from pathlib import Path

import numpy as np

from tests.app.factory import running
from tests.app.imported import body_of, outputs_of
from tests.training.onnx_import.graphs import import_file

CASE = Path(__file__).parent / "sklearn_pipeline"
KINDS = {"FP32": np.float32, "INT64": np.int64, "BYTES": object}


def tensors(part: str) -> dict[str, np.ndarray]:
    entries = json.loads((CASE / "case.json").read_text(encoding="utf-8"))[part]
    return {
        name: np.array(each["data"], KINDS[each["datatype"]]).reshape(each["shape"]) for name, each in entries.items()
    }


def test_scaled_numbers_and_encoded_text_have_scikit_learns_labels_and_probabilities(tmp_path: Path) -> None:
    path = Path(shutil.copy(CASE / "model.onnx", tmp_path))
    folder = import_file(path, "--name", "pipeline")
    with running(folder.parents[1]) as client:
        response = client.post("/v2/models/pipeline/infer", content=body_of(tensors("inputs")))
    found, expected = outputs_of(response.content, None), tensors("answers")
    np.testing.assert_array_equal(found["output_label"], expected["output_label"])
    np.testing.assert_allclose(found["output_probability"], expected["output_probability"], rtol=0, atol=1e-6)
    assert set(expected["output_label"].tolist()) == {0, 1}
