"""A graph as a table of numbers: FP64 in and out, whatever it computes in."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.app.factory import running
from tests.training.onnx_import.graphs import (
    DOUBLE,
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

ROWS = np.array([[1.0, 2.0, -3.0], [0.1, 1e6, 1e-6], [4.0, 5.0, 6.0]])
TABLE = "a,b,c,y\n1,2,3,4\n-1,7,0.5,2\n"


@pytest.mark.parametrize(("kind", "number"), [(FLOAT, np.float32), (DOUBLE, np.float64)])
def test_a_table_is_fp64_outside_and_computes_in_its_own_type_inside(tmp_path: Path, kind: int, number: type) -> None:
    manifest, session = imported(write(tmp_path, linear(kind=kind)), "--columns", "a", "b", "c", "--target", "u", "v")
    (found,) = session.run(None, {"x": ROWS})
    assert found.dtype == np.float64
    expected = ROWS.astype(number) @ W.astype(number)
    np.testing.assert_allclose(found, expected, rtol=1e-6 if number is np.float32 else 1e-12)
    assert (manifest.task, manifest.unit, manifest.columns) == ("arithmetic", "ONNX", ["a", "b", "c"])
    assert manifest.inputs[0].name == "x"
    assert (manifest.outputs[0].name, manifest.outputs[0].columns) == ("y", ["u", "v"])
    assert manifest.training.data == "imported from model.onnx, made by by hand"


def test_predictions_and_extrapolation_come_through_http(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TABLE)
    folder = import_file(
        write(tmp_path, linear(kind=DOUBLE)), "--name", "m", "--columns", "a,b,c", "--data", tmp_path / "train.csv"
    )
    with running(folder.parents[1]) as client:
        response = client.post("/predict/arithmetic", json={"model": "m", "inputs": [[0, 3, 1], [0, 7.5, 1]]}).json()
        manifest = client.get("/models/m").json()
    np.testing.assert_allclose(response["predictions"], np.array([[0, 3, 1], [0, 7.5, 1]]) @ W.astype(float))
    assert response["extrapolated"] == [False, True]
    assert (response["formula"], response["warnings"]) == (None, [])
    assert manifest["training"]["ranges"] == [[-1.0, 1.0], [2.0, 7.0], [0.5, 3.0]]
    assert manifest["training"]["rows"] == 2


def test_inputs_of_one_column_each_are_the_columns_of_a_table_and_outputs_stand_side_by_side(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Mul", ["mass", "flat"], ["product"]),
        helper.make_node("Greater", ["flat", "zero"], ["above"]),
    ]
    inputs = [value("mass", FLOAT, ["N", 1]), value("speed", DOUBLE, ["N"])]
    nodes.insert(0, helper.make_node("Cast", ["speed"], ["narrow"], to=FLOAT))
    nodes.insert(1, helper.make_node("Unsqueeze", ["narrow", "axis"], ["flat"]))
    outputs = [value("product", FLOAT, ["N", 1]), value("above", TensorProto.BOOL, ["N", 1])]
    constants = {"axis": np.array([1], np.int64), "zero": np.array([0], np.float32)}
    model = model_of(nodes, inputs, outputs, constants)
    manifest, session = imported(write(tmp_path, model), "--columns", "m", "v", "--target", "p", "positive")
    (found,) = session.run(None, {"input": np.array([[2.0, 3.0], [4.0, -0.5]])})
    assert found.tolist() == [[6.0, 1.0], [-2.0, 0.0]]
    assert manifest.outputs[0].columns == ["p", "positive"]


def test_names_of_a_classifiers_columns_come_from_its_classes(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ArgMax", ["x"], ["label"], axis=1, keepdims=0),
        helper.make_node("ZipMap", ["x"], ["score"], domain="ai.onnx.ml", classlabels_int64s=[7, 9]),
    ]
    maps = helper.make_sequence_type_proto(
        helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, None))
    )
    outputs = [value("label", INT64, ["N"]), helper.make_value_info("score", maps)]
    model = model_of(nodes, [value("x", FLOAT, ["N", 2])], outputs)
    manifest, session = imported(write(tmp_path, model), "--columns", "a", "b")
    assert manifest.outputs[0].columns == ["label", "score_7", "score_9"]
    assert session.run(None, {"x": np.array([[0.25, 0.75]])})[0].tolist() == [[1.0, 0.25, 0.75]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "a", "b"], "--columns names 2 (a, b), and {path} takes 3 columns."),
        (["--columns", "a", "b", "a"], "--columns names 'a' twice; name each column once."),
        (["--target", "y", "z"], "{path} takes 3 columns without names; name them with --columns."),
        (
            ["--columns", "a", "b", "c", "--target", "y"],
            "--target names 1 (y), and {path} returns 2 columns (y_0, y_1); name as many.",
        ),
        (["--data", "t.csv"], "--data gives the ranges of columns; name those that {path} takes with --columns."),
        (
            ["--columns", "a", "b", "c", "--channels", "RGB"],
            "--channels is for images, and --columns, --target and --data for a table; give one of them.",
        ),
    ],
)
def test_columns_that_do_not_fit_the_graph_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    expect_refused(write(tmp_path, linear()), capsys, message, *options)


def test_a_table_without_one_of_the_columns_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "train.csv"
    data.write_text(TABLE)
    message = f"{data} has no column 'd'; its columns are a, b, c, y."
    expect_refused(write(tmp_path, linear()), capsys, message, "--columns", "a", "b", "d", "--data", data)


def test_a_graph_of_other_values_is_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, linear(kind=INT64))
    message = (
        "{path}: input 'x' is INT64 of shape [-1, 3], and a table has floats of shape [-1, columns]; leave out "
        "--columns and --data, and it is served under /v2 as it is."
    )
    expect_refused(path, capsys, message, "--columns", "a", "b", "c")
    labels = model_of(
        [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.STRING)],
        [value("x", FLOAT, ["N", 1])],
        [value("y", TensorProto.STRING, ["N", 1])],
    )
    message = (
        "{path}: output 'y' is BYTES of shape [-1, 1], and a table has numbers of shape [-1, columns]; name others "
        "with --outputs, or leave out --columns and --data."
    )
    expect_refused(write(tmp_path, labels), capsys, message, "--columns", "a")


def test_text_columns_are_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = (
        "{path}: input 'city' is BYTES of shape [-1, 1], and a table has floats of shape [-1, columns]; leave out "
        "--columns and --data, and it is served under /v2 as it is."
    )
    expect_refused(write(tmp_path, text_classifier()), capsys, message, "--columns", "city", "kind")


def test_evaluate_measures_an_imported_table_whose_range_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text("a,b,c,y\n" + "".join(f"{row},1,2,{row * 0.5}\n" for row in range(20)))
    weights = {"W": np.array([[0.5], [0.0], [0.0]])}
    node = helper.make_node("MatMul", ["x", "W"], ["y"])
    model = model_of([node], [value("x", DOUBLE, ["N", 3])], [value("y", DOUBLE, ["N", 1])], weights)
    folder = import_file(write(tmp_path, model), "--name", "m", "--columns", "a", "b", "c")
    capsys.readouterr()
    repository = str(folder.parents[1])
    assert main(["evaluate", "m", "--data", str(tmp_path / "rows.csv"), "--repository", repository]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Its training range is unknown, so all rows count as interpolation."
    assert "ONNX                    0.0e+00        no rows" in lines


def test_what_needs_a_table_or_a_checkpoint_says_so_of_an_imported_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = str(import_file(write(tmp_path, linear()), "--name", "m").parents[1])
    capsys.readouterr()
    for command, message in (
        ("evaluate", "'m' takes tensors of its own; evaluate measures tables and default image models."),
        ("export", "'m' has no weights.safetensors to export from, as it was imported; import its ONNX file again."),
    ):
        assert main([command, "m", "--repository", repository]) == 2
        assert capsys.readouterr().err == f"nalu-serve: {message}\n"
