"""Triton's stock client against the committed repository: its results must equal those of /predict."""

import asyncio
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient import http as triton
from tritonclient.http import aio
from tritonclient.utils import InferenceServerException

from tests.end_to_end.default_models import NAMES, REPOSITORY, ROWS, inputs_of, labels_of, manifest_of, predicted
from tests.end_to_end.server import HTTP, Server, serve

pytestmark = pytest.mark.slow

ENCODINGS = (None, "gzip", "deflate")


@pytest.fixture
def client(server: Server) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(server.url.removeprefix("http://")) as client:
        yield client


def inputs_for(name: str, *, binary: bool = True) -> list[triton.InferInput]:
    tensor, inputs = manifest_of(name).inputs[0], inputs_of(name)
    return [triton.InferInput(tensor.name, list(inputs.shape), tensor.datatype).set_data_from_numpy(inputs, binary)]


def requested(name: str, binary: bool | None, class_count: int = 0) -> list[triton.InferRequestedOutput] | None:
    """The output by its name, in JSON or in bytes; None names none."""
    if binary is None:
        return None
    return [triton.InferRequestedOutput(manifest_of(name).outputs[0].name, binary, class_count)]


def requests_of(name: str) -> Iterator[dict[str, Any]]:
    """Every combination of encodings, binary flags and version."""
    ways = product((True, False), (True, False, None), ENCODINGS, ENCODINGS, ("", str(manifest_of(name).version)))
    for number, (binary_in, binary_out, packed_in, packed_out, version) in enumerate(ways):
        yield {
            "model_name": name,
            "inputs": inputs_for(name, binary=binary_in),
            "outputs": requested(name, binary_out),
            "model_version": version,
            "request_id": f"request-{number}",
            "request_compression_algorithm": packed_in,
            "response_compression_algorithm": packed_out,
        }


def expect(result: triton.InferResult, request: dict[str, Any], expected: NDArray[Any]) -> None:
    output = manifest_of(request["model_name"]).outputs[0].name
    np.testing.assert_allclose(result.as_numpy(output), expected, rtol=1e-6, err_msg=str(request))
    assert result.get_response()["id"] == request["request_id"]
    assert result.get_response()["model_name"] == request["model_name"]


@pytest.mark.parametrize("name", NAMES)
def test_every_default_model_serves_the_client_in_every_combination(
    server: Server, client: triton.InferenceServerClient, name: str
) -> None:
    expected = predicted(server, name)
    for request in requests_of(name):
        expect(client.infer(**request), request, expected)


@pytest.mark.parametrize("name", NAMES)
def test_every_default_model_serves_the_asyncio_client_in_every_combination(server: Server, name: str) -> None:
    expected = predicted(server, name)

    async def ask() -> None:
        async with aio.InferenceServerClient(server.url.removeprefix("http://")) as client:
            requests = list(requests_of(name))
            for request, result in zip(
                requests, await asyncio.gather(*(client.infer(**request) for request in requests)), strict=True
            ):
                expect(result, request, expected)

    asyncio.run(ask())


def test_the_clients_own_concurrency_gets_every_response(server: Server) -> None:
    expected = predicted(server, "multiply")
    with triton.InferenceServerClient(server.url.removeprefix("http://"), concurrency=4) as client:
        waiting = [client.async_infer("multiply", inputs_for("multiply")) for _ in range(16)]
        for request in waiting:
            np.testing.assert_allclose(request.get_result().as_numpy("output"), expected, rtol=1e-12)


def test_bodies_the_client_generates_and_parses_offline_are_compatible(server: Server) -> None:
    content, length = triton.InferenceServerClient.generate_request_body(inputs_for("add"))
    headers = {"Inference-Header-Content-Length": str(length), "Accept-Encoding": "identity"}
    response = HTTP.post(f"{server.url}/v2/models/add/infer", content=content, headers=headers)
    length = int(response.headers["Inference-Header-Content-Length"])
    result = triton.InferenceServerClient.parse_response_body(response.content, header_length=length)
    np.testing.assert_allclose(result.as_numpy("output"), inputs_of("add").sum(axis=1, keepdims=True))


@pytest.mark.parametrize("name", NAMES)
def test_every_default_model_describes_itself(client: triton.InferenceServerClient, name: str) -> None:
    manifest = manifest_of(name)
    assert client.is_model_ready(name)
    assert client.is_model_ready(name, str(manifest.version))
    for version in ("", str(manifest.version)):
        metadata = client.get_model_metadata(name, version)
        assert metadata["platform"] == "onnxruntime_onnx"
        assert str(manifest.version) in metadata["versions"]
        for tensors, promised in ((metadata["inputs"], manifest.inputs), (metadata["outputs"], manifest.outputs)):
            assert tensors == [tensor.model_dump(include={"name", "datatype", "shape"}) for tensor in promised]
        config = client.get_model_config(name, version)
        assert config["input"][0]["dims"] == manifest.inputs[0].shape[1:]
        assert config["max_batch_size"] > 0


def test_the_server_describes_itself(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert not client.is_model_ready("nothing")
    assert not client.is_model_ready("add", "99")
    assert client.get_server_metadata()["name"] == "nalu-serve"
    index = client.get_model_repository_index()
    assert sorted({entry["name"] for entry in index if entry["state"] == "READY"}) == NAMES


def test_the_statistics_count_the_clients_requests(client: triton.InferenceServerClient) -> None:
    def count() -> int:
        return int(client.get_inference_statistics("square")["model_stats"][0]["inference_count"])

    before = count()
    client.infer("square", inputs_for("square"))
    assert count() - before == ROWS
    names = {stat["name"] for stat in client.get_inference_statistics()["model_stats"]}
    assert names == set(NAMES)


def test_the_client_gets_classes(server: Server, client: triton.InferenceServerClient) -> None:
    expected = predicted(server, "digit")
    for binary in (True, False):
        found = client.infer("digit", inputs_for("digit"), outputs=requested("digit", binary, 3)).as_numpy("output")
        assert found.shape == (len(expected), 3)
        for row, elements in zip(expected, found, strict=True):
            texts = [element.decode() if isinstance(element, bytes) else element for element in elements]
            values, indices, labels = zip(*(text.split(":") for text in texts), strict=True)
            assert list(map(int, indices)) == list(labels_of(labels)) == np.argsort(-row)[:3].tolist()
            np.testing.assert_allclose(np.array(values, float), np.sort(row)[::-1][:3], rtol=1e-6)


def test_non_finite_values_reach_the_client(client: triton.InferenceServerClient) -> None:
    rows = np.array([[1.0, 0.0], [6.0, 3.0]])
    tensor = triton.InferInput("input", [2, 2], "FP64").set_data_from_numpy(rows)
    exact = client.infer("divide", [tensor]).as_numpy("output")
    assert not np.isfinite(exact[0, 0])
    assert exact[1, 0] == pytest.approx(2)
    result = client.infer("divide", [tensor], outputs=requested("divide", False))
    assert np.isnan(result.as_numpy("output")[0, 0])
    assert "first is row 0" in result.get_output("output")["parameters"]["not_finite"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_name": "nothing"}, "There is no model 'nothing'"),
        ({"model_version": "99"}, "Model 'add' has no version 99; it has 1"),
        ({"outputs": [triton.InferRequestedOutput("y")]}, r"Model 'add' has 1 output \('output'\)"),
        ({"inputs": [triton.InferInput("input", [1, 2], "FP32")]}, "Input 'input' has datatype 'FP32'"),
        ({"sequence_id": 7}, "Parameter 'sequence_id' starts a sequence"),
        ({"priority": 1}, "Parameter 'priority' must be 0 or left out"),
    ],
)
def test_the_client_gets_the_error_message(
    server: Server, client: triton.InferenceServerClient, changes: dict[str, Any], message: str
) -> None:
    arguments = {"model_name": "add", "inputs": inputs_for("add")} | changes
    with pytest.raises(InferenceServerException, match=message):
        client.infer(**arguments)

    async def ask() -> None:
        async with aio.InferenceServerClient(server.url.removeprefix("http://")) as waiting:
            await waiting.infer(**arguments)

    with pytest.raises(InferenceServerException, match=message):
        asyncio.run(ask())


def test_the_client_may_not_load_models_unless_the_settings_allow_it(client: triton.InferenceServerClient) -> None:
    for method in (client.load_model, client.unload_model):
        with pytest.raises(InferenceServerException, match="NALU_MODEL_CONTROL is none") as caught:
            method("add")
        assert caught.value.status() == "403"


def test_the_client_unloads_and_loads_where_the_settings_allow_it() -> None:
    with (
        serve(REPOSITORY, NALU_DEVICE="cpu", NALU_MODEL_CONTROL="explicit") as server,
        triton.InferenceServerClient(server.url.removeprefix("http://")) as client,
    ):
        client.unload_model("add")
        assert not client.is_model_ready("add")
        with pytest.raises(InferenceServerException, match="unloaded"):
            client.infer("add", inputs_for("add"))
        client.load_model("add")
        assert client.is_model_ready("add")
        client.infer("add", inputs_for("add"))


def test_torchscript_serves_the_client_as_well(torchscript_server: Server) -> None:
    with triton.InferenceServerClient(torchscript_server.url.removeprefix("http://")) as client:
        for name in ("multiply", "digit"):
            assert client.get_model_metadata(name)["platform"] == "pytorch_libtorch"
            assert client.get_model_config(name)["backend"] == "pytorch"
            result = client.infer(name, inputs_for(name)).as_numpy("output")
            np.testing.assert_allclose(result, predicted(torchscript_server, name), rtol=1e-6)
