"""Triton's stock gRPC client against the committed repository, in the round that its HTTP client passes."""

import asyncio
import queue
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient import grpc as triton
from tritonclient.grpc import aio
from tritonclient.utils import InferenceServerException

from tests.end_to_end.default_models import NAMES, ROWS, inputs_of, labels_of, manifest_of, predicted
from tests.end_to_end.server import Server

pytestmark = pytest.mark.slow

ENCODINGS = (None, "gzip", "deflate")


@pytest.fixture
def address(server: Server, grpc_port: int) -> str:
    return f"127.0.0.1:{grpc_port}"


@pytest.fixture
def client(address: str) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(address) as client:
        yield client


def inputs_for(name: str) -> list[triton.InferInput]:
    tensor, inputs = manifest_of(name).inputs[0], inputs_of(name)
    return [triton.InferInput(tensor.name, list(inputs.shape), tensor.datatype).set_data_from_numpy(inputs)]


def requested(name: str, class_count: int = 0) -> list[triton.InferRequestedOutput]:
    return [triton.InferRequestedOutput(manifest_of(name).outputs[0].name, class_count)]


def requests_of(name: str) -> Iterator[dict[str, Any]]:
    """Every combination of compression, requested outputs and version."""
    ways = product(ENCODINGS, (None, requested(name)), ("", str(manifest_of(name).version)))
    for number, (packed, outputs, version) in enumerate(ways):
        yield {
            "model_name": name,
            "inputs": inputs_for(name),
            "outputs": outputs,
            "model_version": version,
            "request_id": f"request-{number}",
            "compression_algorithm": packed,
        }


def expect(result: triton.InferResult, request: dict[str, Any], expected: NDArray[Any]) -> None:
    output = manifest_of(request["model_name"]).outputs[0].name
    np.testing.assert_allclose(result.as_numpy(output), expected, rtol=1e-6, err_msg=str(request))
    assert result.get_response().id == request["request_id"]
    assert result.get_response().model_name == request["model_name"]


@pytest.mark.parametrize("name", NAMES)
def test_every_default_model_serves_the_client_in_every_combination(
    server: Server, client: triton.InferenceServerClient, name: str
) -> None:
    expected = predicted(server, name)
    for request in requests_of(name):
        expect(client.infer(**request), request, expected)


@pytest.mark.parametrize("name", NAMES)
def test_every_default_model_serves_the_asyncio_client_in_every_combination(
    server: Server, address: str, name: str
) -> None:
    expected = predicted(server, name)

    async def ask() -> None:
        async with aio.InferenceServerClient(address) as client:
            requests = list(requests_of(name))
            results = await asyncio.gather(*(client.infer(**request) for request in requests))
            for request, result in zip(requests, results, strict=True):
                expect(result, request, expected)

    asyncio.run(ask())


@pytest.mark.parametrize("name", NAMES)
def test_every_default_model_describes_itself(client: triton.InferenceServerClient, name: str) -> None:
    manifest = manifest_of(name)
    assert client.is_model_ready(name)
    assert client.is_model_ready(name, str(manifest.version))
    for version in ("", str(manifest.version)):
        metadata = client.get_model_metadata(name, version, as_json=True)
        assert metadata["platform"] == "onnxruntime_onnx"
        assert str(manifest.version) in metadata["versions"]
        for tensors, promised in ((metadata["inputs"], manifest.inputs), (metadata["outputs"], manifest.outputs)):
            shapes = [(one["name"], one["datatype"], list(map(int, one["shape"]))) for one in tensors]
            assert shapes == [(one.name, one.datatype, one.shape) for one in promised]
        config = client.get_model_config(name, version).config
        assert list(config.input[0].dims) == manifest.inputs[0].shape[1:]
        assert config.max_batch_size > 0


def test_the_server_describes_itself(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert not client.is_model_ready("nothing")
    assert not client.is_model_ready("add", "99")
    assert client.get_server_metadata().name == "nalu-serve"
    index = client.get_model_repository_index().models
    assert sorted({entry.name for entry in index if entry.state == "READY"}) == NAMES


def test_the_clients_own_concurrency_gets_every_response(server: Server, client: triton.InferenceServerClient) -> None:
    expected = predicted(server, "multiply")
    results: queue.Queue[Any] = queue.Queue()
    for _ in range(16):
        client.async_infer("multiply", inputs_for("multiply"), lambda result, error: results.put((result, error)))
    for _ in range(16):
        result, error = results.get(timeout=30)
        assert error is None
        np.testing.assert_allclose(result.as_numpy("output"), expected, rtol=1e-12)


def test_the_clients_stream_gets_every_response_in_order(server: Server, client: triton.InferenceServerClient) -> None:
    results: queue.Queue[Any] = queue.Queue()
    client.start_stream(lambda result, error: results.put((result, error)))
    for name in NAMES:
        client.async_stream_infer(name, inputs_for(name), request_id=name)
    for name in NAMES:
        result, error = results.get(timeout=30)
        assert (error, result.get_response().id) == (None, name)
        np.testing.assert_allclose(result.as_numpy("output"), predicted(server, name), rtol=1e-6)
    client.stop_stream()


def test_the_statistics_count_the_clients_rows_and_no_more_batches_than_requests(
    client: triton.InferenceServerClient, address: str
) -> None:
    def counts() -> tuple[int, int]:
        stats = client.get_inference_statistics("square").model_stats[0]
        return stats.inference_count, stats.execution_count

    async def ask() -> None:
        async with aio.InferenceServerClient(address) as waiting:
            await asyncio.gather(*(waiting.infer("square", inputs_for("square")) for _ in range(100)))

    rows, batches = counts()
    asyncio.run(ask())
    new_rows, new_batches = counts()
    assert new_rows - rows == 100 * ROWS
    assert 1 <= new_batches - batches <= 100  # how many share a batch is a matter of when they come
    names = {stat.name for stat in client.get_inference_statistics().model_stats}
    assert names == set(NAMES)


def test_the_client_gets_classes(server: Server, client: triton.InferenceServerClient) -> None:
    expected = predicted(server, "digit")
    found = client.infer("digit", inputs_for("digit"), outputs=requested("digit", 3)).as_numpy("output")
    assert found.shape == (len(expected), 3)
    for row, elements in zip(expected, found, strict=True):
        values, indices, labels = zip(*(element.decode().split(":") for element in elements), strict=True)
        assert list(map(int, indices)) == list(labels_of(labels)) == np.argsort(-row)[:3].tolist()
        np.testing.assert_allclose(np.array(values, float), np.sort(row)[::-1][:3], rtol=1e-6)


def test_the_client_may_not_load_models_unless_the_settings_allow_it(client: triton.InferenceServerClient) -> None:
    for method in (client.load_model, client.unload_model):
        with pytest.raises(InferenceServerException, match="NALU_MODEL_CONTROL is none") as caught:
            method("add")
        assert caught.value.status() == "StatusCode.PERMISSION_DENIED"
