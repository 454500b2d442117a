"""Imported graphs: several inputs and outputs of any type, as they are, under /v2."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.codecs.v2.inputs import HEADER_LENGTH
from app.repository.load import load_model
from models.manifest import Manifest, ManifestError
from tests.app.expect import expect_damaged, expect_problem
from tests.app.factory import TestClient, running, write_version
from tests.app.imported import (
    CITY,
    COUNT,
    FLAG,
    INPUTS,
    X,
    binary_of,
    body_of,
    bytes_of,
    expected,
    mixed_onnx,
    outputs_of,
    tensor_of,
    tensors_manifest,
    write_mixed,
)
from tests.app.test_imported_table import write_unknown_range
from tests.app.v2_requests import expect_error, infer

BINARY_OUT: dict[str, Any] = {"parameters": {"binary_data_output": True}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root = tmp_path_factory.mktemp("tensors")
    write_mixed(root)
    write_mixed(root, "labelled", classes=["north", "south"])
    write_unknown_range(root)
    with running(root, max_rows=3) as client:
        yield client


def predicted(client: TestClient, content: bytes, header_length: str | None = None) -> dict[str, NDArray[Any]]:
    response = infer(client, "mixed", content, header_length)
    assert response.status_code == 200, response.text
    return outputs_of(response.content, response.headers.get(HEADER_LENGTH))


def assert_expected(found: dict[str, NDArray[Any]]) -> None:
    assert list(found) == list(expected())
    for name, values in expected().items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("members", [{}, BINARY_OUT], ids=["json out", "binary out"])
@pytest.mark.parametrize("form", ["json", "binary"])
def test_every_type_travels_unchanged_either_way(client: TestClient, form: str, members: dict[str, Any]) -> None:
    content = (body_of(INPUTS, **members), None) if form == "json" else binary_of(INPUTS, **members)
    assert_expected(predicted(client, *content))


def test_inputs_may_come_in_any_order_and_each_in_its_own_form(client: TestClient) -> None:
    text = bytes_of(CITY)
    entries = [
        tensor_of("city", CITY, data=None, parameters={"binary_data_size": len(text)}),
        tensor_of("flag", FLAG),
        tensor_of("x", X, data=None, parameters={"binary_data_size": X.nbytes}),
        tensor_of("count", COUNT, data=COUNT.tolist()),
    ]
    header = json.dumps({"inputs": entries}).encode()
    assert_expected(predicted(client, header + text + X.tobytes(), str(len(header))))


def test_outputs_that_are_listed_are_returned_in_that_order_each_in_its_form(client: TestClient) -> None:
    outputs = [{"name": "echo", "parameters": {"binary_data": True}}, {"name": "inverted"}]
    found = predicted(client, body_of(INPUTS, outputs=outputs))
    assert list(found) == ["echo", "inverted"]
    np.testing.assert_array_equal(found["echo"], CITY)
    np.testing.assert_array_equal(found["inverted"], ~FLAG)


def test_labels_of_a_classification_are_those_of_the_output_as_wide(client: TestClient) -> None:
    outputs = [{"name": name, "parameters": {"classification": 1}} for name in ("number", "negative", "total")]
    response = infer(client, "labelled", body_of(INPUTS, outputs=outputs)).json()
    data = {output["name"]: output["data"] for output in response["outputs"]}
    assert data["number"] == ["1.0:1:south", "1.0:0:north"]
    assert data["negative"] == ["5:1:south", "0:0:north"]
    assert data["total"] == ["2.5:0", "-7.0:0"]


def test_nan_in_binary_reaches_the_graph_as_a_missing_value_does(client: TestClient) -> None:
    found = predicted(client, *binary_of(INPUTS | {"x": np.array([[np.nan, 1], [2, 3]], np.float32)}))
    np.testing.assert_array_equal(found["total"], np.array([[np.nan], [5]], np.float32))


def test_a_result_that_is_not_finite_is_null_in_json_with_a_parameter(client: TestClient) -> None:
    x = np.full((2, 2), np.finfo(np.float32).max)
    x[1] = 1
    output = infer(client, "mixed", body_of(INPUTS | {"x": x})).json()["outputs"][0]
    assert output["data"] == [None, 2.0]
    assert output["parameters"]["not_finite"].startswith("1 of 2 rows are not finite, the first is row 0")


def test_requests_together_get_each_its_own_answer_and_a_bad_one_fails_no_other(tmp_path: Path) -> None:
    write_mixed(tmp_path)
    found: dict[int, Any] = {}

    def request(client: TestClient, number: int) -> None:
        city = np.array([["Atlantis" if number == 3 else "Oslo"]], object)
        rows = {"x": X[:1] * number, "count": COUNT[:1], "flag": FLAG[:1], "city": city}
        found[number] = infer(client, "mixed", body_of(rows))

    with running(tmp_path) as client:
        threads = [threading.Thread(target=request, args=(client, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number, response in found.items():
        if number == 3:
            expect_error(response, 400, "Model 'mixed' rejects the inputs: Unknown Category and zeros = 0.")
        else:
            assert response.json()["outputs"][0]["data"] == [2.5 * number]


def without(name: str) -> dict[str, NDArray[Any]]:
    return {key: rows for key, rows in INPUTS.items() if key != name}


TAKES = "Model 'mixed' takes 4 inputs ('x', 'count', 'flag', 'city')"
TEXTS = np.array([["a"], ["b"]], object)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (body_of(without("flag")), f"{TAKES}; the request has 3."),
        (
            body_of(without("flag") | {"flags": FLAG}),
            "Model 'mixed' has no input 'flags'; its inputs are 'x', 'count', 'flag', 'city'.",
        ),
        (
            json.dumps({"inputs": [tensor_of("x", X)] * 4}).encode(),
            "Input 'x' is given twice; give each input once.",
        ),
        (
            body_of(INPUTS | {"flag": FLAG[:1]}),
            "Inputs 'x' and 'flag' have 2 and 1 rows; all inputs of a request have as many.",
        ),
        (
            body_of(INPUTS | {"count": X}),
            "Input 'count' has datatype 'FP32'; model 'mixed' takes INT64.",
        ),
        (
            body_of(INPUTS | {"city": CITY.ravel()}),
            "Model 'mixed' takes input 'city' of shape [-1, 1], where -1 is free; the request has [2].",
        ),
        (
            body_of(INPUTS).replace(b"true", b"1"),
            "Value 0 of input 'flag' is an integer; BOOL takes true or false.",
        ),
        (
            body_of(INPUTS).replace(b'"Oslo"', b"7"),
            "Value 1 of input 'city' is an integer; BYTES takes strings.",
        ),
        (
            body_of(INPUTS).replace(b"-5", b"-5.0"),
            "Number 1 of input 'count' is a fraction; INT64 takes integers from -9223372036854775808 to "
            "9223372036854775807.",
        ),
        (
            body_of(INPUTS).replace(b"-5", str(2**63).encode()),
            "Number 1 of input 'count' is not within -9223372036854775808 and 9223372036854775807, the range of INT64.",
        ),
        (
            body_of(INPUTS, outputs=[{"name": "sum"}]),
            "Model 'mixed' has 5 outputs ('total', 'negative', 'inverted', 'number', 'echo'); the request lists 1, the "
            "first is 'sum'.",
        ),
        (
            body_of(INPUTS, outputs=[{"name": "echo", "parameters": {"classification": 1}}]),
            "Output 'echo' has no classes: 'classification' is for outputs of shape [-1, number of classes]; leave it "
            "out.",
        ),
        (
            body_of(INPUTS | {"city": np.array([["Oslo"], ["Atlantis"]], object)}),
            "Model 'mixed' rejects the inputs: Unknown Category and zeros = 0.",
        ),
    ],
)
def test_what_does_not_fit_the_graph_is_rejected(client: TestClient, content: bytes, error: str) -> None:
    expect_error(infer(client, "mixed", content), 400, error)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            bytes_of(CITY)[:-1],
            "Input 'city' has 20 bytes, which are not 2 strings of BYTES, each with its length in four bytes before "
            "it.",
        ),
        (bytes_of(CITY) + b"\0", "Input 'city' has 22 bytes, which are not 2 strings of BYTES"),
        (b"\xff\xff\xff\xff", "Input 'city' has 4 bytes, which are not 2 strings of BYTES"),
        (b"", "Input 'city' has 0 bytes, which are not 2 strings of BYTES"),
        (b"\x01\0\0\0\xff\0\0\0\0", "String 0 of input 'city' is not UTF-8; encode it so."),
    ],
)
def test_strings_that_are_not_as_the_protocol_has_them_are_rejected(
    client: TestClient, text: bytes, error: str
) -> None:
    entries = [tensor_of(name, rows) for name, rows in without("city").items()]
    entries.append(tensor_of("city", CITY, data=None, parameters={"binary_data_size": len(text)}))
    header = json.dumps({"inputs": entries}).encode()
    assert expect_error(infer(client, "mixed", header + text, str(len(header))), 400).startswith(error)


def test_bytes_too_many_behind_several_inputs_are_rejected(client: TestClient) -> None:
    content, length = binary_of(INPUTS)
    error = expect_error(infer(client, "mixed", content + b"x", length), 400)
    assert error.startswith(f"The inputs together have binary_data_size {len(content) - int(length)}, but ")


def test_a_body_without_json_is_rejected_where_it_has_no_one_meaning(client: TestClient) -> None:
    error = (
        "Model 'mixed' takes several inputs, strings or tensors of any size; send JSON with their shapes before the "
        "bytes."
    )
    expect_error(infer(client, "mixed", b"", "0"), 400, error)


def test_one_row_too_many_is_too_large(client: TestClient) -> None:
    rows = {name: np.resize(values, (4, values.shape[1])) for name, values in INPUTS.items()}
    fewer = {name: values[:3] for name, values in rows.items()}
    assert infer(client, "mixed", *binary_of(fewer)).status_code == 200
    expect_error(
        infer(client, "mixed", *binary_of(rows)), 413, "The request has 4 rows; at most 3 are taken, so send several."
    )


def test_one_string_too_many_is_too_large(tmp_path: Path) -> None:
    write_mixed(tmp_path)
    rows = {name: np.resize(values, (1001, values.shape[1])) for name, values in INPUTS.items()}
    fewer = {name: values[:1000] for name, values in rows.items()}
    with running(tmp_path, max_json_values=1000) as client:
        assert infer(client, "mixed", *binary_of(fewer)).status_code == 200
        error = "Input 'city' has 1001 strings; at most 1000 are taken, so send several."
        expect_error(infer(client, "mixed", *binary_of(rows)), 413, error)


def test_the_other_operations_name_the_one_that_takes_the_model(client: TestClient) -> None:
    detail = "Model 'mixed' takes tensors of its own; use POST /v2/models/mixed/infer."
    expect_problem(client.post("/predict/arithmetic", json={"model": "mixed", "inputs": [[1]]}), 422, detail)
    image = client.post("/predict/image", data={"model": "mixed"}, files={"files": b"x"})
    expect_problem(image, 422, detail)


def test_metadata_and_manifest_list_every_input_and_output(client: TestClient) -> None:
    metadata = client.get("/v2/models/mixed").json()
    assert metadata["inputs"] == [
        {"name": "x", "datatype": "FP32", "shape": [-1, 2]},
        {"name": "count", "datatype": "INT64", "shape": [-1, 2]},
        {"name": "flag", "datatype": "BOOL", "shape": [-1, 1]},
        {"name": "city", "datatype": "BYTES", "shape": [-1, 1]},
    ]
    assert [output["name"] for output in metadata["outputs"]] == list(expected())
    config = client.get("/v2/models/mixed/config").json()
    assert config["input"][3] == {"name": "city", "data_type": "TYPE_STRING", "dims": [1]}
    assert client.get("/models/mixed").json()["inputs"][3]["example"] == ["Oslo"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 2]}]}, "the first axis of every input and output"),
        ({"inputs": tensors_manifest()["inputs"][:1] * 2}, "the names of inputs, and those of outputs, must differ"),
        ({"inputs": tensors_manifest()["inputs"][::-1]}, "its inputs and outputs are ("),
        (
            {"outputs": [*tensors_manifest()["outputs"][:4], {"name": "echo", "datatype": "BYTES", "shape": [-1, 2]}]},
            "model.onnx returns object of shape (2, 1), the manifest declares BYTES of shape (-1, 2).",
        ),
        (
            {"inputs": [*tensors_manifest()["inputs"][:3], tensors_manifest()["inputs"][3] | {"example": ["Rome"]}]},
            "fails on a trial input: Model 'm' rejects the inputs: Unknown Category and zeros = 0.",
        ),
    ],
)
def test_a_manifest_that_contradicts_the_graph_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], reason: str
) -> None:
    write_version(tmp_path, mixed_onnx(), tensors_manifest("m", **changes))
    expect_damaged(tmp_path, reason, caplog)


def test_a_backend_that_needs_another_file_says_which_one_serves_the_model(tmp_path: Path) -> None:
    class OtherBackend:
        file, device = "model.pt", "cpu"

        def load(self, content: bytes, manifest: Manifest) -> Any:
            raise AssertionError("there is nothing to load")

    folder = write_mixed(tmp_path, "m")
    message = rf"^{folder} has no model\.pt, as imported models do not; NALU_BACKEND=onnx serves it\.$"
    with pytest.raises(ManifestError, match=message):
        load_model(folder, ("m", 1), OtherBackend())


def test_a_model_without_a_manifest_is_reported_with_the_command_that_makes_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "m" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(mixed_onnx())
    command = f"python -m training import {folder}/model.onnx --name m --version 1 --repository {tmp_path}"
    reason = f"{folder}/manifest.json cannot be read: No such file or directory. This makes it from model.onnx: "
    expect_damaged(tmp_path, reason + command, caplog)
