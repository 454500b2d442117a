"""What every call gets as every request over HTTP does: limits, keys, deadlines, metrics."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient import grpc as triton
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from tests.app.factory import wait_until
from tests.app.transport.grpc.conftest import MAX_BODY_BYTES, Both, rows, serving

KEYS = {"alice": "alice-key", "bob": "bob-key"}
"""Bob may use model ratio only, and send two requests a minute."""


def infer_request(padding: int = 0) -> Any:
    request = service_pb2.ModelInferRequest(model_name="sum", id="x" * padding)
    request.inputs.add(name="input", datatype="FP64", shape=[1, 2])
    request.raw_input_contents.append(np.array([3.0, 4.0]).tobytes())
    return request


def padded(size: int) -> Any:
    """A request of that many bytes."""
    padding = size - infer_request(1000).ByteSize() + 1000
    request = infer_request(padding)
    return infer_request(padding - request.ByteSize() + size)


def status(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises((InferenceServerException, grpc.RpcError)) as caught:
        call()
    error = caught.value
    if isinstance(error, InferenceServerException):
        return error.status().removeprefix("StatusCode."), error.message()
    return error.code().name, error.details()


@pytest.fixture
def stub(both: Both) -> Iterator[Any]:
    with grpc.insecure_channel(both.address) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_a_message_of_one_byte_more_than_the_limit_is_refused_and_counted(
    both: Both, stub: Any, compression: Any
) -> None:
    assert padded(MAX_BODY_BYTES).ByteSize() == MAX_BODY_BYTES
    stub.ModelInfer(padded(MAX_BODY_BYTES), timeout=10, compression=compression)
    before, counted = both.requests("ModelInfer", 413), both.count('nalu_rejections_total{reason="too_large"}')
    code, _ = status(lambda: stub.ModelInfer(padded(MAX_BODY_BYTES + 1), timeout=10, compression=compression))
    assert code == "RESOURCE_EXHAUSTED"
    wait_until(lambda: both.requests("ModelInfer", 413) == before + 1)
    assert both.count('nalu_rejections_total{reason="too_large"}') == counted + 1


def test_one_row_more_than_the_limit_is_refused(both: Both, client: triton.InferenceServerClient) -> None:
    most = both.service.settings.max_rows
    client.infer("sum", rows(np.ones((most, 2))))
    assert status(lambda: client.infer("sum", rows(np.ones((most + 1, 2))))) == (
        "RESOURCE_EXHAUSTED",
        f"The request has {most + 1} rows; at most {most} are taken, so send several.",
    )


def test_one_typed_value_more_than_the_limit_of_values_is_refused(both: Both, stub: Any) -> None:
    def request(values: int) -> Any:
        message = service_pb2.ModelInferRequest(model_name="sum")
        message.inputs.add(name="input", datatype="FP64", shape=[values // 2, 2]).contents.fp64_contents[:] = [
            1
        ] * values
        return message

    most = both.service.settings.max_json_values
    stub.ModelInfer(request(most), timeout=10)
    code, message = status(lambda: stub.ModelInfer(request(most + 2), timeout=10))
    assert code == "RESOURCE_EXHAUSTED"
    assert f"Input 'input' has {most + 2} values in 'fp64_contents'; at most {most} are taken" in message


def test_metadata_over_the_limit_of_heads_are_refused(both: Both, stub: Any) -> None:
    most = both.service.settings.max_head_bytes
    code, _ = status(lambda: stub.ModelInfer(infer_request(), timeout=10, metadata=[("x-long", "x" * most)]))
    assert code == "RESOURCE_EXHAUSTED"


def test_one_call_more_than_connections_is_refused(repository: Path) -> None:
    with serving(repository, max_connections=2) as both, grpc.insecure_channel(both.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        ended = threading.Event()
        streams = [stub.ModelStreamInfer(_one_then_wait(ended)) for _ in range(2)]
        for stream in streams:
            next(stream)
        code, message = status(lambda: stub.ModelInfer(infer_request(), timeout=10))
        ended.set()
    assert code == "UNAVAILABLE"
    assert message == "2 gRPC calls are open, and NALU_MAX_CONNECTIONS allows no more; try again later."


def _one_then_wait(ended: threading.Event) -> Iterator[Any]:
    yield infer_request()
    ended.wait(10)


def test_errors_name_the_request_and_the_time_to_wait(both: Both, stub: Any) -> None:
    limiter = both.service.batching.queue_limiter
    limiter.rows += 10**9
    try:
        with pytest.raises(grpc.RpcError) as caught:
            stub.ModelInfer(infer_request(), timeout=10, metadata=[("x-request-id", "mine")])
    finally:
        limiter.rows -= 10**9
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    metadata = dict(caught.value.trailing_metadata())
    assert (metadata["x-request-id"], metadata["retry-after"]) == ("mine", "1")


def test_an_unexpected_error_is_internal_and_logged(
    both: Both, stub: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(both.service.repository, "get", explode)
    code, message = status(lambda: stub.ModelInfer(infer_request(), timeout=10))
    assert code == "INTERNAL"
    assert message == "Something failed in the service; its log has the details under this request_id."
    assert "secret" in caplog.text


def test_a_request_past_the_services_deadline_is_ended(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(repository, request_timeout_seconds=0.2) as both, grpc.insecure_channel(both.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        with _no_results(both, monkeypatch):
            code, message = status(lambda: stub.ModelInfer(infer_request(), timeout=10))
    assert code == "DEADLINE_EXCEEDED"
    assert message == "The request was not answered within 0.2 seconds, which is the limit; try again later."


def test_a_message_that_does_not_come_in_time_ends_its_call(repository: Path) -> None:
    with serving(repository, request_timeout_seconds=0.2) as both, grpc.insecure_channel(both.address) as channel:
        never = threading.Event()
        infer = channel.stream_unary("/inference.GRPCInferenceService/ModelInfer")
        code, message = status(lambda: infer(iter(lambda: never.wait(5) and b"", False), timeout=10))
        never.set()
    assert code == "DEADLINE_EXCEEDED"
    assert "The request's body was not received within 0.2 seconds" in message


def test_clients_that_cancel_or_are_past_their_own_deadline_are_counted_as_disconnected(
    both: Both, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = both.requests("ModelInfer", 499)
    with _no_results(both, monkeypatch):
        assert status(lambda: stub.ModelInfer(infer_request(), timeout=0.1))[0] == "DEADLINE_EXCEEDED"
        wait_until(lambda: both.requests("ModelInfer", 499) == before + 1)
        cancelled = stub.ModelInfer.future(infer_request(), timeout=10)
        wait_until(lambda: both.service.requests_in_flight)
        cancelled.cancel()
        wait_until(lambda: both.requests("ModelInfer", 499) == before + 2)
    assert not both.service.requests_in_flight


@contextmanager
def _no_results(both: Both, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within this context, predictions never come."""

    async def wait_forever(*_: Any) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(both.service.batching, "predict", wait_forever)
        yield


@pytest.fixture(scope="module")
def keyed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    digests = {name: sha256(key.encode()).hexdigest() for name, key in KEYS.items()}
    file = tmp_path_factory.mktemp("keys") / "keys.txt"
    file.write_text(f"alice {digests['alice']}\nbob {digests['bob']} models=ratio rate=2/min\n")
    with serving(repository, api_keys_file=file) as both:
        yield both


@pytest.mark.parametrize("metadata", [{"authorization": "Bearer alice-key"}, {"x-api-key": "alice-key"}])
def test_a_key_in_the_metadata_is_taken(keyed: Both, metadata: dict[str, str]) -> None:
    with triton.InferenceServerClient(keyed.address) as client:
        assert client.infer("sum", rows([[3, 4]]), headers=metadata).as_numpy("output").tolist() == [[7.0]]


@pytest.mark.parametrize(
    ("metadata", "message"),
    [({}, "The request carries no API key"), ({"x-api-key": "wrong"}, "The API key of the request is unknown")],
)
def test_without_a_known_key_nothing_but_probes_is_answered(
    keyed: Both, metadata: dict[str, str], message: str
) -> None:
    with triton.InferenceServerClient(keyed.address) as client:
        assert client.is_server_live(headers=metadata)
        assert client.is_server_ready(headers=metadata)
        for call in (
            lambda: client.infer("sum", rows([[3, 4]]), headers=metadata),
            lambda: client.get_model_metadata("sum", headers=metadata),
            lambda: client.is_model_ready("sum", headers=metadata),
            lambda: client.get_server_metadata(headers=metadata),
            lambda: client.get_model_repository_index(headers=metadata),
        ):
            code, details = status(call)
            assert code == "UNAUTHENTICATED"
            assert message in details


def test_a_stream_without_a_key_is_refused_before_its_first_message(keyed: Both) -> None:
    with grpc.insecure_channel(keyed.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        never = threading.Event()
        stream = stub.ModelStreamInfer(iter(lambda: never.wait(5) and None, False), timeout=10)
        code, message = status(lambda: next(stream))
        never.set()
    assert code == "UNAUTHENTICATED"
    assert "The request carries no API key" in message


def test_models_and_rate_of_a_key_hold(keyed: Both) -> None:
    headers = {"x-api-key": "bob-key"}
    with triton.InferenceServerClient(keyed.address) as client:
        code, message = status(lambda: client.infer("sum", rows([[3, 4]]), headers=headers))
        assert (code, "may not use a model 'sum'" in message) == ("PERMISSION_DENIED", True)
        assert [each.name for each in client.get_model_repository_index(headers=headers).models] == ["ratio"]
        code, message = status(lambda: client.infer("ratio", rows([[3, 4]]), headers=headers))
    assert code == "RESOURCE_EXHAUSTED"
    assert "The API key bob has sent more than 2/min, its rate limit" in message


def test_requests_and_their_phases_are_counted_under_the_methods_path(
    both: Both, client: triton.InferenceServerClient
) -> None:
    route = '{route="/inference.GRPCInferenceService/ModelInfer"}'
    counters = [f"nalu_{phase}_seconds_count{route}" for phase in ("request", "decode", "encode")]
    before = [both.count(counter) for counter in counters]
    ready, not_found = both.requests("ModelInfer", 200), both.requests("ModelInfer", 404)
    client.infer("sum", rows([[3, 4]]))
    status(lambda: client.infer("nothing", rows([[3, 4]])))
    wait_until(lambda: both.requests("ModelInfer", 404) == not_found + 1)
    assert both.requests("ModelInfer", 200) == ready + 1
    assert [both.count(counter) - old for counter, old in zip(counters, before, strict=True)] == [2, 1, 1]


def test_health_is_that_of_the_service(both: Both) -> None:
    with grpc.insecure_channel(both.address) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"", timeout=10) == check(b"\x0a\x1einference.GRPCInferenceService", timeout=10) == b"\x08\x01"
        both.service.draining = True
        try:
            assert check(b"", timeout=10) == b"\x08\x02"
        finally:
            both.service.draining = False
        assert status(lambda: check(b"\x0a\x05other", timeout=10))[0] == "NOT_FOUND"


def test_models_are_unloaded_and_loaded_where_the_settings_allow_it(repository: Path) -> None:
    with serving(repository, model_control="explicit") as both, triton.InferenceServerClient(both.address) as client:
        client.unload_model("sum")
        assert not client.is_model_ready("sum")
        assert "unloaded" in status(lambda: client.infer("sum", rows([[3, 4]])))[1]
        assert "Parameter 'config' carries a model" in status(lambda: client.load_model("sum", config="{}"))[1]
        client.load_model("sum")
        client.infer("sum", rows([[3, 4]]))


def test_what_is_not_served_is_unimplemented(client: triton.InferenceServerClient) -> None:
    assert status(client.get_system_shared_memory_status)[0] == "UNIMPLEMENTED"
