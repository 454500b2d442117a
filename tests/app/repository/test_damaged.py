"""Every kind of damage is reported by name and reason, is not served, and does not affect other models."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from app.backends.onnx import import_onnxruntime
from tests.app.expect import expect_damaged, expect_problem
from tests.app.factory import (
    arithmetic_graph,
    manifest_of,
    onnx_bytes,
    running,
    sum_onnx,
    write_sum,
    write_version,
)


def external(name: str = "W", key: str = "location") -> TensorProto:
    """A weight with external data."""
    tensor = TensorProto(name=name, data_type=TensorProto.DOUBLE, dims=[2, 1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key=key, value="weights.bin")
    return tensor


def constant() -> Any:
    return helper.make_node("Constant", [], ["W"], value=external())


def matmul() -> Any:
    return helper.make_node("MatMul", ["input", "W"], ["output"])


def external_in_a_branch() -> bytes:
    result = helper.make_tensor_value_info("W", TensorProto.DOUBLE, [2, 1])
    branch = helper.make_graph([constant()], "branch", [], [result])
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    choice = helper.make_node("If", ["yes"], ["W"], then_branch=branch, else_branch=branch)
    return onnx_bytes(arithmetic_graph([choice, matmul()], [yes]))


def external_in_a_function() -> bytes:
    opset = helper.make_opsetid("", 17)
    function = helper.make_function("own", "Weights", [], ["W"], [constant()], [opset])
    graph = arithmetic_graph([helper.make_node("Weights", [], ["W"], domain="own"), matmul()], [])
    opsets = [opset, helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=[function], ir_version=10)
    return bytes(model.SerializeToString())


def runtimes_own_format() -> bytes:
    """What ONNX Runtime writes for itself, and would recognise."""
    options = import_onnxruntime().SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.save_model_format", "ORT")
    with tempfile.NamedTemporaryFile() as file:
        options.optimized_model_filepath = file.name
        import_onnxruntime().InferenceSession(sum_onnx(), options)
        return file.read()


def renamed(source: str, result: str) -> bytes:
    graph = arithmetic_graph([helper.make_node("ReduceSum", [source], [result])], [])
    graph.input[0].name, graph.output[0].name = source, result
    return onnx_bytes(graph)


CHANGED = hashlib.sha256(b"changed").hexdigest()[:12]
EXTERNAL = (
    "{folder}/model.onnx: it stores weights in external files, which have no hash in the manifest; "
    "export with external_data=False."
)

CONTENTS = {
    "no-onnx": (b"not ONNX", "{folder}/model.onnx: it is not an ONNX file."),
    "runtimes-own-format": (runtimes_own_format(), "{folder}/model.onnx: it is not an ONNX file."),
    "empty-onnx": (b"", "{folder}/model.onnx: ONNX Runtime cannot load it: "),
    "external": (onnx_bytes(arithmetic_graph([matmul()], [external()])), EXTERNAL),
    "external-in-an-attribute": (onnx_bytes(arithmetic_graph([constant(), matmul()], [])), EXTERNAL),
    "external-in-a-branch": (external_in_a_branch(), EXTERNAL),
    "external-in-a-function": (external_in_a_function(), EXTERNAL),
    "external-without-a-file": (
        onnx_bytes(arithmetic_graph([matmul()], [external(key="offset")])),
        "{folder}/model.onnx: ONNX Runtime cannot load it: ",
    ),
    "other-input": (
        renamed("rows", "output"),
        "{folder}/model.onnx: its inputs and outputs are (['rows'], ['output']), "
        "and the manifest declares (['input'], ['output']); export the model again.",
    ),
    "other-output": (
        renamed("input", "sum"),
        "{folder}/model.onnx: its inputs and outputs are (['input'], ['sum']), "
        "and the manifest declares (['input'], ['output']); export the model again.",
    ),
    "three-columns": (sum_onnx(width=3), "{folder}/model.onnx fails on a trial input: "),
    "other-operator": (
        onnx_bytes(arithmetic_graph([helper.make_node("Nonsense", ["input"], ["output"])], [])),
        "{folder}/model.onnx: ONNX Runtime cannot load it: ",
    ),
    "other-output-shape": (
        onnx_bytes(arithmetic_graph([helper.make_node("Flatten", ["input"], ["output"])], [])),
        "{folder}/model.onnx returns float64 of shape (2, 2), the manifest declares FP64 of shape (-1, 1).",
    ),
}


@pytest.mark.parametrize(("content", "reason"), CONTENTS.values(), ids=CONTENTS)
def test_a_model_inconsistent_with_its_manifest_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, reason: str
) -> None:
    write_version(tmp_path, content, manifest_of("m", 1))
    expect_damaged(tmp_path, reason, caplog)


def test_the_key_of_external_data_may_be_a_name_of_a_sound_model(tmp_path: Path) -> None:
    weights = helper.make_tensor("location", TensorProto.DOUBLE, [2, 1], [1.0, 2.0])
    graph = arithmetic_graph([helper.make_node("MatMul", ["input", "location"], ["output"])], [weights])
    write_version(tmp_path, onnx_bytes(graph), manifest_of("m", 1))
    with running(tmp_path) as client:
        answer = client.post("/predict/arithmetic", json={"model": "m", "inputs": [[3, 4]]})
    assert answer.json()["predictions"] == [[11.0]]


def spoil(name: str, content: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (spoil("manifest.json", b"{"), "{folder}/manifest.json is not a valid manifest: Invalid JSON: "),
        (spoil("manifest.json", b"\xff"), "{folder}/manifest.json is not a valid manifest: Invalid JSON: "),
        (spoil("manifest.json", b"[" * 100_000), "{folder}/manifest.json is not a valid manifest: Invalid JSON: "),
        (spoil("manifest.json", b"{}"), "{folder}/manifest.json is not a valid manifest at 'name': Field required."),
        (lambda folder: (folder / "manifest.json").unlink(), "{folder}/manifest.json cannot be read: No such file"),
        (lambda folder: (folder / "model.onnx").unlink(), "{folder}/model.onnx cannot be read: No such file"),
        (
            spoil("model.onnx", b"changed"),
            f"{{folder}}/model.onnx has SHA-256 {CHANGED}..., the manifest lists ",
        ),
        (
            spoil("manifest.json", json.dumps(manifest_of("m", 1)).encode()),
            "{folder}/manifest.json lists no file 'model.onnx'.",
        ),
    ],
)
def test_a_folder_with_missing_or_changed_files_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], Any], reason: str
) -> None:
    damage(write_sum(tmp_path, name="m"))
    expect_damaged(tmp_path, reason, caplog)


def test_the_highest_sound_version_serves_when_the_highest_is_damaged(tmp_path: Path) -> None:
    for version in (1, 2, 3):
        folder = write_sum(tmp_path, version=version, weight=version)
    (folder / "model.onnx").write_bytes(b"damaged")
    with running(tmp_path) as client:
        responses = [
            client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, 2]], "version": version})
            for version in (None, 3)
        ]
        listed = client.get("/models").json()["models"]
    assert responses[0].json()["predictions"] == [[6.0]]
    expect_problem(responses[1], 404, "Model 'sum' has no version 3; it has 1, 2.")
    assert [model["version"] for model in listed] == [2]
