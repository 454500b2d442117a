import json
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.codecs.v2.request import Inference
from app.codecs.v2.response import encode
from models.manifest import Manifest
from tests.app.v2_requests import ROWS, SHADE, SUM

PREDICTION = np.array([[7.0], [0.1]])
PROBABILITIES = np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)


def answer(prediction: NDArray[Any], manifest: Manifest = SUM, **asked: Any) -> tuple[dict[str, Any], bytes]:
    """The JSON of an answer, and the bytes behind it."""
    content, length = encode(prediction, Inference(ROWS, **asked), manifest)
    length = len(content) if length is None else length
    return json.loads(content[:length]), content[length:]


def test_an_answer_in_json_is_flat_and_whole() -> None:
    header, rest = answer(PREDICTION, id="42")
    assert header == {
        "model_name": "sum",
        "model_version": "1",
        "id": "42",
        "outputs": [{"name": "output", "datatype": "FP64", "shape": [2, 1], "data": [7.0, 0.1]}],
    }
    assert rest == b""


def test_an_id_that_was_not_given_is_not_answered() -> None:
    assert "id" not in answer(PREDICTION)[0]
    assert answer(PREDICTION, id="")[0]["id"] == ""


@pytest.mark.parametrize(("manifest", "prediction"), [(SUM, PREDICTION), (SHADE, PROBABILITIES)])
def test_bytes_follow_the_json_little_endian(manifest: Manifest, prediction: NDArray[Any]) -> None:
    header, rest = answer(prediction, manifest, binary=True)
    (output,) = header["outputs"]
    assert output["parameters"] == {"binary_data_size": len(rest)}
    assert "data" not in output
    kind = {"FP64": "<f8", "FP32": "<f4"}[output["datatype"]]
    np.testing.assert_array_equal(np.frombuffer(rest, kind).reshape(output["shape"]), prediction)


def test_what_is_not_finite_is_null_in_json_and_named() -> None:
    header, _ = answer(np.array([[1.0], [np.inf], [np.nan], [-np.inf]]))
    (output,) = header["outputs"]
    assert output["data"] == [1.0, None, None, None]
    assert output["parameters"] == {
        "not_finite": "3 of 4 rows are not finite, the first is row 1: a division by zero or an overflow. "
        "JSON has only null for it; ask for binary_data to get the value."
    }


def test_what_is_not_finite_is_itself_in_bytes() -> None:
    prediction = np.array([[np.inf], [-np.inf], [np.nan]])
    header, rest = answer(prediction, binary=True)
    assert rest == prediction.tobytes()
    assert list(header["outputs"][0]["parameters"]) == ["binary_data_size"]


def test_classes_are_the_highest_values_with_index_and_label() -> None:
    header, _ = answer(PROBABILITIES, SHADE, classes=1)
    (output,) = header["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [2, 1])
    assert output["data"] == ["0.75:1:bright", "0.5:0:dark"]


def test_no_more_classes_are_answered_than_there_are() -> None:
    header, _ = answer(PROBABILITIES, SHADE, classes=2**62)
    assert header["outputs"][0]["shape"] == [2, 2]
    assert header["outputs"][0]["data"] == ["0.75:1:bright", "0.25:0:dark", "0.5:0:dark", "0.5:1:bright"]


def test_classes_without_labels_have_the_index_alone() -> None:
    assert answer(PREDICTION, classes=1)[0]["outputs"][0]["data"] == ["7.0:0", "0.1:0"]


def test_classes_that_are_not_finite_come_in_their_order_with_nan_last() -> None:
    prediction = np.array([[np.nan, -np.inf], [np.inf, 1]], np.float32)
    data = answer(prediction, SHADE, classes=2)[0]["outputs"][0]["data"]
    assert data == ["-inf:1:bright", "nan:0:dark", "inf:0:dark", "1.0:1:bright"]


def test_classes_in_bytes_have_their_lengths_before_them() -> None:
    header, rest = answer(PROBABILITIES[:1], SHADE, classes=1, binary=True)
    assert rest == struct.pack("<I", 13) + b"0.75:1:bright"
    assert header["outputs"][0]["parameters"] == {"binary_data_size": 17}
