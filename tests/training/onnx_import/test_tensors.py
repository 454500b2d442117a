"""Graphs as they are, under /v2: their types and shapes, their batch, and the files that are refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.app.factory import running
from tests.app.imported import body_of, mixed_onnx, outputs_of
from tests.training.onnx_import.graphs import (
    FLOAT,
    INT64,
    W,
    expect_refused,
    import_file,
    imported,
    linear,
    model_of,
    text_classifier,
    value,
    write,
)
from training.__main__ import main


def test_a_graph_of_many_types_is_served_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mixed.onnx"
    path.write_bytes(mixed_onnx())
    manifest, _ = imported(path)
    assert manifest.task == "tensors"
    assert [(each.name, each.datatype, each.shape) for each in manifest.inputs] == [
        ("x", "FP32", [-1, 2]),
        ("count", "INT64", [-1, 2]),
        ("flag", "BOOL", [-1, 1]),
        ("city", "BYTES", [-1, 1]),
    ]
    assert [(each.name, each.datatype, each.shape) for each in manifest.outputs] == [
        ("total", "FP32", [-1, 1]),
        ("negative", "INT64", [-1, 2]),
        ("inverted", "BOOL", [-1, 1]),
        ("number", "FP32", [-1, 2]),
        ("echo", "BYTES", [-1, 1]),
    ]
    assert [each.example for each in manifest.inputs] == [[1.0, 1.0], [1, 1], [True], ["Oslo"]]
    assert (tmp_path / "repository" / "mixed" / "1" / "model.onnx").read_bytes() == path.read_bytes()


def test_the_maps_of_a_classifier_become_probabilities_with_its_classes(tmp_path: Path) -> None:
    folder = import_file(write(tmp_path, text_classifier()), "--name", "clf")
    given = {"city": np.array([["Rome"], ["Oslo"]], object), "kind": np.array([["hut"], ["flat"]], object)}
    outputs = [{"name": "label"}, {"name": "shares", "parameters": {"classification": 1}}]
    with running(folder.parents[1]) as client:
        response = client.post("/v2/models/clf/infer", content=body_of(given))
        classes = client.post("/v2/models/clf/infer", content=body_of(given, outputs=outputs))
        example = client.get("/models/clf").json()["inputs"]
    found = outputs_of(response.content, None)
    assert found["label"].tolist() == ["yes", "no"]
    assert found["shares"].tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert outputs_of(classes.content, None)["shares"].tolist() == [["1.0:1:yes"], ["1.0:0:no"]]
    assert [each["example"] for each in example] == [["Oslo"], ["flat"]]


def test_only_the_outputs_that_are_named_are_served(tmp_path: Path) -> None:
    manifest, _ = imported(write(tmp_path, text_classifier()), "--outputs", "label")
    assert [(each.name, each.datatype, each.shape) for each in manifest.outputs] == [("label", "BYTES", [-1])]


@pytest.mark.parametrize("free", [True, False], ids=["declared", "row by row"])
def test_a_graph_with_a_fixed_batch_of_one_takes_any_number_of_rows(tmp_path: Path, free: bool) -> None:
    model = linear(batch=1)
    if not free:  # a shape of one row, written into the graph
        model.graph.node[0].output[0] = "z"
        model.graph.node.append(helper.make_node("Reshape", ["z", "shape"], ["y"]))
        model.graph.initializer.append(helper.make_tensor("shape", INT64, [2], [1, 2]))
    manifest, session = imported(write(tmp_path, model))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_allclose(session.run(None, {"x": x})[0], x @ W, rtol=1e-5)
    assert (manifest.inputs[0].shape, manifest.outputs[0].shape) == ([-1, 3], [-1, 2])
    operators = [node.op_type for node in onnx.load(tmp_path / "repository" / "model" / "1" / "model.onnx").graph.node]
    assert operators == (["MatMul"] if free else ["Scan"])


@pytest.mark.parametrize("opset", [11, 17])
def test_every_input_and_output_of_a_graph_goes_row_by_row(tmp_path: Path, opset: int) -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["flat"]),
        helper.make_node("Identity", ["city"], ["echo"]),
    ]
    inputs = [value("x", FLOAT, [1, 2, 2]), value("city", TensorProto.STRING, [1])]
    outputs = [value("flat", FLOAT, [1, 4]), value("echo", TensorProto.STRING, [1])]
    model = model_of(nodes, inputs, outputs, {"shape": np.array([1, 4])}, opset=opset)
    _, session = imported(write(tmp_path, model))
    x, city = np.arange(12, dtype=np.float32).reshape(3, 2, 2), np.array(["a", "b", "c"], object)
    flat, echo = session.run(None, {"x": x, "city": city})
    np.testing.assert_array_equal(flat, x.reshape(3, 4))
    assert echo.tolist() == ["a", "b", "c"]


def test_branches_that_use_a_constant_from_outside_go_row_by_row_and_in_a_table(tmp_path: Path) -> None:
    branches = {
        branch: helper.make_graph(
            [helper.make_node("Mul", ["x", factor], [branch])], branch, [], [value(branch, FLOAT, None)]
        )
        for branch, factor in (("then_branch", "two"), ("else_branch", "minus"))
    }
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], ["y"], **branches),
    ]
    constants = {name: np.array(number, np.float32) for name, number in (("two", 2), ("minus", -1), ("zero", 0))}
    path = write(tmp_path, model_of(nodes, [value("x", FLOAT, [1, 2])], [value("y", FLOAT, [1, 2])], constants))
    x = np.array([[1.0, 2.0], [-3.0, 1.0]], np.float32)
    expected = [[2.0, 4.0], [3.0, -1.0]]
    _, session = imported(path, "--name", "tensors")
    assert session.run(None, {"x": x})[0].tolist() == expected
    _, session = imported(path, "--name", "table", "--columns", "a", "b")
    assert session.run(None, {"x": x.astype(np.float64)})[0].tolist() == expected


def test_a_function_within_the_model_is_taken_over(tmp_path: Path) -> None:
    twice = helper.make_function(
        "own", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 17)]
    )
    model = model_of(
        [helper.make_node("Twice", ["x"], ["y"], domain="own")],
        [value("x", FLOAT, ["N", 2])],
        [value("y", FLOAT, ["N", 2])],
    )
    model.functions.append(twice)
    model.opset_import.append(helper.make_opsetid("own", 1))
    _, session = imported(write(tmp_path, model), "--columns", "a", "b")
    assert session.run(None, {"x": np.array([[1.5, -2.0]])})[0].tolist() == [[3.0, -4.0]]


def test_a_free_size_stays_free_and_the_smallest_that_works_is_the_example(tmp_path: Path) -> None:
    shape = value("x", FLOAT, ["N", 1, "H", "W"])
    nodes = [helper.make_node("Conv", ["x", "K"], ["y"])]
    kernel = np.ones((2, 1, 3, 3), np.float32)
    model = model_of(nodes, [shape], [value("y", FLOAT, ["N", 2, "h", "w"])], {"K": kernel})
    manifest, _ = imported(write(tmp_path, model))
    assert (manifest.inputs[0].shape, manifest.outputs[0].shape) == ([-1, 1, -1, -1], [-1, 2, -1, -1])
    assert np.shape(manifest.inputs[0].example) == (1, 4, 4)


def save_with_external_data(folder: Path, weights: np.ndarray = W) -> Path:
    path = folder / "model.onnx"
    onnx.save_model(linear(), str(path), save_as_external_data=True, location="model.onnx.data", size_threshold=0)
    return path


def test_external_data_outside_the_models_folder_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    path = save_with_external_data(folder)
    (folder / "model.onnx.data").rename(tmp_path / "secret")
    model = onnx.load_model(str(path), load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        if entry.key == "location":
            entry.value = "../secret"
    write(folder, model)
    message = "{path} keeps weights in ../secret, which cannot be read beside it; put the whole files there."
    expect_refused(path, capsys, message)


def test_external_data_are_taken_in(tmp_path: Path) -> None:
    path = save_with_external_data(tmp_path)
    assert (tmp_path / "model.onnx.data").exists()
    folder = import_file(path)
    (tmp_path / "model.onnx.data").unlink()
    assert sorted(file.name for file in folder.iterdir()) == ["manifest.json", "model.onnx"]
    with running(folder.parents[1]) as client:
        content = body_of({"x": np.eye(3, dtype=np.float32)})
        response = client.post("/v2/models/model/infer", content=content)
    np.testing.assert_allclose(outputs_of(response.content, None)["y"], W, rtol=1e-6)


def test_external_data_that_are_missing_or_too_large_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_with_external_data(tmp_path)
    monkeypatch.setattr("training.onnx_import.read.MAX_BYTES", path.stat().st_size + W.nbytes - 1)
    message = (
        "{path} has 0.0 GiB of weights; the repository keeps a model in one file, and ONNX allows it 2 GiB: export it "
        "in 16-bit floats, or quantize it."
    )
    expect_refused(path, capsys, message)
    monkeypatch.undo()
    (tmp_path / "model.onnx.data").unlink()
    message = "{path} keeps weights in model.onnx.data, which cannot be read beside it; put the whole files there."
    expect_refused(path, capsys, message)


def test_a_newer_file_format_is_no_hindrance(tmp_path: Path) -> None:
    model = linear()
    model.ir_version = onnx.IR_VERSION + 1
    _, session = imported(write(tmp_path, model))
    assert session.run(None, {"x": np.eye(3, dtype=np.float32)})[0].tolist() == W.tolist()


def mean_over_rows() -> onnx.ModelProto:
    node = helper.make_node("ReduceMean", ["x"], ["m"], axes=[0], keepdims=1)
    nodes = [node, helper.make_node("Sub", ["x", "m"], ["y"])]
    return model_of(nodes, [value("x", FLOAT, ["N", 2])], [value("y", FLOAT, ["N", 2])])


def bfloat() -> onnx.ModelProto:
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.BFLOAT16)
    return model_of([node], [value("x", FLOAT, ["N", 1])], [value("y", TensorProto.BFLOAT16, ["N", 1])])


def sequence() -> onnx.ModelProto:
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, None))
    nodes = [helper.make_node("SequenceConstruct", ["x"], ["y"]), helper.make_node("Identity", ["x"], ["z"])]
    outputs = [helper.make_value_info("y", kind), value("z", FLOAT, ["N", 1])]
    return model_of(nodes, [value("x", FLOAT, ["N", 1])], outputs)


def custom() -> onnx.ModelProto:
    model = linear()
    model.graph.node[0].op_type, model.graph.node[0].domain = "SwishMul", "com.acme"
    model.opset_import.append(helper.make_opsetid("com.acme", 1))
    return model


def unknown_operator() -> onnx.ModelProto:
    model = linear()
    model.graph.node[0].op_type = "MatMulTwice"
    return model


ALONE = (
    "{path} does not compute each row of a batch for itself: three rows together have other results than each alone, "
    "or no three results; export it with the batch as first axis of every input and output."
)
OFFICIAL = 26
"""The newest opset of the ONNX Runtime in constraints.txt."""
GRAPHS: dict[str, tuple[Any, str]] = {
    "opset": (
        lambda: model_of(
            [helper.make_node("Neg", ["x"], ["y"])],
            [value("x", FLOAT, ["N", 1])],
            [value("y", FLOAT, ["N", 1])],
            opset=OFFICIAL + 2,
        ),
        f"{{path}} is of opset {OFFICIAL + 2}, and this ONNX Runtime knows up to {OFFICIAL}; export it with "
        f"opset_version={OFFICIAL}, or upgrade onnxruntime.",
    ),
    "custom": (
        custom,
        "{path} uses the custom operator 'SwishMul' of 'com.acme', which ONNX Runtime does not have and the service "
        "does not load; export the model with ONNX's operators only.",
    ),
    "batch of 4": (
        lambda: linear(batch=4),
        "{path}: input 'x' has shape [4, 3], and its first axis must be a free batch; export the model with a dynamic "
        "batch axis, or with a batch of 1.",
    ),
    "scalar": (
        lambda: model_of([helper.make_node("Neg", ["x"], ["y"])], [value("x", FLOAT, [])], [value("y", FLOAT, [])]),
        "{path}: input 'x' has shape [], and its first axis must be a free batch; export the model with a dynamic "
        "batch axis, or with a batch of 1.",
    ),
    "rows together": (mean_over_rows, ALONE),
    "bfloat16": (
        bfloat,
        "{path}: output 'y' holds BFLOAT16, which the protocol does not have; cast it in the model, or leave it out "
        "with --outputs.",
    ),
    "sequence": (
        sequence,
        "{path}: output 'y' is of type sequence, and the service has tensors only; leave it out with --outputs.",
    ),
    "no shape": (
        lambda: model_of([helper.make_node("Neg", ["x"], ["y"])], [value("x", FLOAT, None)], [value("y", FLOAT, None)]),
        "{path}: input 'x' has no shape; export the model with one.",
    ),
}


@pytest.mark.parametrize(("build", "message"), GRAPHS.values(), ids=GRAPHS)
def test_a_graph_that_cannot_be_served_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], build: Any, message: str
) -> None:
    expect_refused(write(tmp_path, build()), capsys, message)


def test_an_operator_that_onnx_runtime_does_not_know_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(write(tmp_path, unknown_operator())), "--repository", str(tmp_path / "r")]) == 2
    error = capsys.readouterr().err
    assert "cannot be run by ONNX Runtime (" in error
    assert "MatMulTwice" in error


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", linear().SerializeToString()[:-30]])
def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert main(["import", str(path), "--repository", str(tmp_path / "repository")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"nalu-serve: {path} ")
    assert error.count("\n") == 1


def test_a_graph_that_rejects_every_row_that_is_tried_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = helper.make_node("Gather", ["W", "x"], ["y"], axis=0)
    nodes = [helper.make_node("Add", ["i", "far"], ["x"]), node]
    constants = {"W": W, "far": np.array([9])}
    model = model_of(nodes, [value("i", INT64, ["N"])], [value("y", FLOAT, ["N", 2])], constants)
    message = (
        "{path} computes none of the rows that were tried, such as one of ones (indices element out of data bounds, "
        "idx=9 must be within the inclusive range [-3,2]); export it so that rows of ones, or of its first categories, "
        "have a result."
    )
    expect_refused(write(tmp_path, model), capsys, message)


def test_a_missing_file_an_invalid_name_and_an_unknown_output_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = "{path}: No such file or directory; check the path, its permissions and its disk."
    expect_refused(tmp_path / "none.onnx", capsys, missing)
    path = write(tmp_path, linear())
    name = (
        "The model's name 'my model' may hold letters, digits, '.', '_' and '-', up to 64, the first a letter or a "
        "digit; choose one with --name, such as --name my-model."
    )
    expect_refused(path, capsys, name, "--name", "my model")
    expect_refused(path, capsys, "{path} has no output 'z'; --outputs may name y.", "--outputs", "z")


def test_a_name_that_is_taken_gets_the_next_version(tmp_path: Path) -> None:
    path = write(tmp_path, linear())
    folders = [import_file(path, "--name", "m") for _ in range(2)]
    assert [folder.name for folder in folders] == ["1", "2"]


def test_the_command_that_the_service_reports_completes_the_version_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "repository" / "m" / "3"
    folder.mkdir(parents=True)
    path = write(folder, linear())
    command = ["import", str(path), "--name", "m", "--version", "3", "--repository", str(tmp_path / "repository")]
    assert main(command) == 0
    assert json.loads((folder / "manifest.json").read_text())["version"] == 3
    with running(tmp_path / "repository") as client:
        assert client.get("/v2/models/m/versions/3/ready").status_code == 200
    capsys.readouterr()
    assert main(command) == 2
    assert capsys.readouterr().err == (
        f"nalu-serve: {folder} is a model already; leave out --version, and the next one is written.\n"
    )


def test_classes_that_fit_no_output_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classes = tmp_path / "classes.txt"
    classes.write_text("a\nb\nc\n")
    message = "{path} has no output for 3 classes, as --classes names; its outputs have shapes [-1, 2]."
    expect_refused(write(tmp_path, linear()), capsys, message, "--classes", classes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n", "{file} has 1 classes; write two classes or more, one a line."),
        (b"a\n\nb\n", "{file} has an empty line; write two classes or more, one a line."),
        (b"a\nb\na\n", "{file} names 'a' twice; write each class once, one a line, in the model's order."),
        (b"\xff\xfe", "{file} is not text in UTF-8; write the classes so, one a line."),
    ],
)
def test_a_file_of_classes_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    classes = tmp_path / "classes.txt"
    classes.write_bytes(content)
    path = write(tmp_path, linear())
    expect_refused(path, capsys, message.format(file=classes), "--classes", classes)
