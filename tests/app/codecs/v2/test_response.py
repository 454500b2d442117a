import json
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.codecs.v2.outputs import RequestedOutput
from app.codecs.v2.request import InferenceRequest
from app.codecs.v2.response import encode
from models.manifest import Manifest
from tests.app.v2_requests import ROWS, SHADE, SUM

PREDICTION = np.array([[7.0], [0.1]])
PROBABILITIES = np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)


def encoded(prediction: NDArray[Any], manifest: Manifest = SUM, **request: Any) -> tuple[dict[str, Any], bytes]:
    """The JSON of a response, and the binary data after it."""
    output = RequestedOutput(binary=request.pop("binary", False), classes=request.pop("classes", 0))
    content, length = encode(prediction, InferenceRequest(ROWS, [output], **request), manifest)
    length = len(content) if length is None else length
    return json.loads(content[:length]), content[length:]


def test_a_response_in_json_is_flat_and_complete() -> None:
    header, rest = encoded(PREDICTION, id="42")
    assert header == {
        "model_name": "sum",
        "model_version": "1",
        "id": "42",
        "outputs": [{"name": "output", "datatype": "FP64", "shape": [2, 1], "data": [7.0, 0.1]}],
    }
    assert rest == b""


def test_without_an_id_the_response_has_none() -> None:
    assert "id" not in encoded(PREDICTION)[0]
    assert encoded(PREDICTION, id="")[0]["id"] == ""


@pytest.mark.parametrize(("manifest", "prediction"), [(SUM, PREDICTION), (SHADE, PROBABILITIES)])
def test_binary_data_follows_the_json_little_endian(manifest: Manifest, prediction: NDArray[Any]) -> None:
    header, rest = encoded(prediction, manifest, binary=True)
    (output,) = header["outputs"]
    assert output["parameters"] == {"binary_data_size": len(rest)}
    assert "data" not in output
    kind = {"FP64": "<f8", "FP32": "<f4"}[output["datatype"]]
    np.testing.assert_array_equal(np.frombuffer(rest, kind).reshape(output["shape"]), prediction)


def test_non_finite_values_are_null_in_json_and_reported() -> None:
    header, _ = encoded(np.array([[1.0], [np.inf], [np.nan], [-np.inf]]))
    (output,) = header["outputs"]
    assert output["data"] == [1.0, None, None, None]
    assert output["parameters"] == {
        "not_finite": "3 of 4 rows are not finite, the first is row 1: a division by zero or an overflow. "
        "JSON represents it as null; request binary_data to get the value."
    }


def test_non_finite_values_are_themselves_in_binary() -> None:
    prediction = np.array([[np.inf], [-np.inf], [np.nan]])
    header, rest = encoded(prediction, binary=True)
    assert rest == prediction.tobytes()
    assert list(header["outputs"][0]["parameters"]) == ["binary_data_size"]


def test_classes_are_the_top_values_with_index_and_label() -> None:
    header, _ = encoded(PROBABILITIES, SHADE, classes=1)
    (output,) = header["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [2, 1])
    assert output["data"] == ["0.75:1:bright", "0.5:0:dark"]


def test_no_more_classes_are_returned_than_there_are() -> None:
    header, _ = encoded(PROBABILITIES, SHADE, classes=2**62)
    assert header["outputs"][0]["shape"] == [2, 2]
    assert header["outputs"][0]["data"] == ["0.75:1:bright", "0.25:0:dark", "0.5:0:dark", "0.5:1:bright"]


def test_classes_without_labels_have_the_index_only() -> None:
    assert encoded(PREDICTION, classes=1)[0]["outputs"][0]["data"] == ["7.0:0", "0.1:0"]


def test_non_finite_classes_are_sorted_with_nan_last() -> None:
    prediction = np.array([[np.nan, -np.inf], [np.inf, 1]], np.float32)
    data = encoded(prediction, SHADE, classes=2)[0]["outputs"][0]["data"]
    assert data == ["-inf:1:bright", "nan:0:dark", "inf:0:dark", "1.0:1:bright"]


def test_classes_in_binary_are_length_prefixed() -> None:
    header, rest = encoded(PROBABILITIES[:1], SHADE, classes=1, binary=True)
    assert rest == struct.pack("<I", 13) + b"0.75:1:bright"
    assert header["outputs"][0]["parameters"] == {"binary_data_size": 17}
