"""A manifest inconsistent in itself or with its model is reported by name and reason, and is not served."""

from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from tests.app.expect import expect_damaged
from tests.app.factory import (
    arithmetic_graph,
    image_manifest,
    image_onnx,
    manifest_of,
    onnx_bytes,
    sum_onnx,
    write_version,
)


def one(tensor: str, **changes: Any) -> dict[str, Any]:
    """The manifest's input or output, changed."""
    return {tensor: [manifest_of("m", 1)[tensor][0] | changes]}


IMAGE = image_manifest("m", "classes")
MANIFESTS: dict[str, tuple[dict[str, Any], str]] = {
    "two-inputs": (
        {"inputs": manifest_of("m", 1)["inputs"] * 2},
        "is not a valid manifest: a model of task 'arithmetic' has one input and one output.",
    ),
    "unknown-task": ({"task": "poetry"}, "is not a valid manifest at 'task': "),
    "extra-field": ({"colour": "red"}, "is not a valid manifest at 'colour': Extra inputs are not permitted."),
    "other-name": ({"name": "sum"}, "has the manifest of 'sum' version 1; move it to its own folder."),
    "other-version": ({"version": 2}, "version 2; move it to its own folder."),
    "three-columns": (one("inputs", columns=["a", "b", "c"]), "an arithmetic model of 2 inputs needs 2 columns"),
    "input-of-no-shape": (one("inputs", shape=[]), "shape"),
    "output-of-no-shape": (one("outputs", shape=[]), "shape"),
    "negative-input": (one("inputs", shape=[-2, 2]), "inputs of shape [-1, number of columns]"),
    "fixed-batch": (one("inputs", shape=[2, 2]), "inputs of shape [-1, number of columns]"),
    "single-precision": (one("inputs", datatype="FP32"), ""),
    "other-output-width": (one("outputs", shape=[-1, 2]), "the manifest declares FP64 of shape (-1, 2)."),
}
IMAGE_MANIFESTS: dict[str, tuple[dict[str, Any], str]] = {
    "no-image": ({"image": None}, "task 'image-classification' needs 'image'"),
    "no-classes": ({"classes": None}, "task 'image-classification' needs at least two 'classes'"),
    "too-few-classes": ({"classes": ["dark"]}, "classes"),
    "colour-into-grey": ({"image": IMAGE["image"] | {"mode": "RGB"}}, ""),
    "five-axes": ({"inputs": [IMAGE["inputs"][0] | {"shape": [-1, 1, -1, -1, -1]}]}, ""),
    "other-output-type": (
        {"outputs": [IMAGE["outputs"][0] | {"datatype": "FP64"}]},
        "{folder}/model.onnx returns float32 of shape (2, 2), the manifest declares FP64 of shape (-1, 2).",
    ),
    "gigantic": ({"image": IMAGE["image"] | {"height": 2**40}}, "{folder}/model.onnx fails on a trial input: "),
}


@pytest.mark.parametrize(("changes", "reason"), MANIFESTS.values(), ids=MANIFESTS)
def test_an_inconsistent_arithmetic_manifest_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], reason: str
) -> None:
    write_version(tmp_path, sum_onnx(), manifest_of("m", 1) | changes, folder=tmp_path / "m" / "1")
    expect_damaged(tmp_path, reason, caplog)


@pytest.mark.parametrize(("changes", "reason"), IMAGE_MANIFESTS.values(), ids=IMAGE_MANIFESTS)
def test_an_inconsistent_image_manifest_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], reason: str
) -> None:
    write_version(tmp_path, image_onnx("classes"), image_manifest("m", "classes", **changes))
    expect_damaged(tmp_path, reason, caplog)


def test_an_arithmetic_model_in_single_precision_is_damaged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    graph = arithmetic_graph([helper.make_node("ReduceSum", ["input", "axis"], ["output"])], [])
    graph.initializer.append(helper.make_tensor("axis", TensorProto.INT64, [1], [1]))
    for tensor in (graph.input[0], graph.output[0]):
        tensor.type.tensor_type.elem_type = TensorProto.FLOAT
    manifest = manifest_of("m", 1) | one("inputs", datatype="FP32") | one("outputs", datatype="FP32")
    write_version(tmp_path, onnx_bytes(graph), manifest)
    expect_damaged(tmp_path, "FP64", caplog)
