"""One suite for every backend: it loads bytes, answers as numpy computes, from any thread, and refuses bad bytes."""

import io
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest
import torch

from app.backends import BACKENDS, Backend, BackendError, Predictor, create_backend
from models.manifest import Manifest
from tests.app.factory import manifest_of, sum_onnx

MANIFEST = Manifest(**manifest_of("sum", 1))


def sum_torchscript() -> bytes:
    class Sum(torch.nn.Module):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return rows.sum(1, keepdim=True)

    content = io.BytesIO()
    torch.jit.save(torch.jit.trace(Sum(), torch.ones(2, 2, dtype=torch.float64)), content)
    return content.getvalue()


CONTENTS: dict[str, Callable[[], bytes]] = {"onnx": sum_onnx, "torchscript": sum_torchscript}
"""What makes, for each backend, the model that adds two columns."""


def test_every_backend_has_a_model_here() -> None:
    assert sorted(CONTENTS) == BACKENDS


@pytest.fixture(scope="module", params=BACKENDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def backend(name: str) -> Backend:
    return create_backend(name, "cpu", 1)


@pytest.fixture(scope="module")
def content(name: str) -> bytes:
    return CONTENTS[name]()


@pytest.fixture(scope="module")
def predict(backend: Backend, content: bytes) -> Predictor:
    return backend.load(content, MANIFEST)


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 2)) * 1e6


def test_it_has_its_device_and_its_file(backend: Backend, name: str) -> None:
    assert backend.device == "cpu"
    assert backend.file == {"onnx": "model.onnx", "torchscript": "model.pt"}[name]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_it_answers_batches_of_any_size_in_float64(predict: Predictor, count: int) -> None:
    answers = predict(rows(count))
    assert answers.dtype == np.float64
    np.testing.assert_array_equal(answers, rows(count).sum(1, keepdims=True))


def test_it_takes_rows_that_are_not_contiguous_and_leaves_its_input_alone(predict: Predictor) -> None:
    table = rows(8)
    sliced = table[::2, ::-1]
    before = sliced.copy()
    np.testing.assert_array_equal(predict(sliced), before.sum(1, keepdims=True))
    np.testing.assert_array_equal(sliced, before)


def test_it_takes_rows_that_are_read_only(predict: Predictor) -> None:
    table = rows(3)
    table.flags.writeable = False
    np.testing.assert_array_equal(predict(table), table.sum(1, keepdims=True))


def test_answers_stay_when_the_next_ones_are_computed(predict: Predictor) -> None:
    first = predict(rows(3))
    predict(rows(3, seed=1))
    np.testing.assert_array_equal(first, rows(3).sum(1, keepdims=True))


def test_infinity_and_nan_pass_through_without_a_warning(predict: Predictor) -> None:
    answers = predict(np.array([[np.inf, 1], [np.nan, 1], [1e308, 1e308], [1, 2]]))
    np.testing.assert_array_equal(answers[:, 0], [np.inf, np.nan, np.inf, 3])


def test_several_threads_may_call_it_at_the_same_time(predict: Predictor) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda seed: predict(rows(1 + seed % 5, seed)), range(200)))
    for seed, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, rows(1 + seed % 5, seed).sum(1, keepdims=True))


def test_two_models_of_one_backend_keep_apart(backend: Backend, content: bytes) -> None:
    one, other = backend.load(content, MANIFEST), backend.load(content, MANIFEST)
    np.testing.assert_array_equal(one(rows(2)), other(rows(2)))
    assert one is not other


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_truncated_bytes_are_refused(backend: Backend, content: bytes, share: float) -> None:
    with pytest.raises(BackendError, match=r"it is not an ONNX file|cannot load it: "):
        backend.load(content[: int(len(content) * share)], MANIFEST)


@pytest.mark.parametrize("bad", [b"hello", b"\x00" * 1000, b"PK\x03\x04 but no archive", b"\x80\x02}q\x00."])
def test_bytes_that_are_no_model_are_refused(backend: Backend, bad: bytes) -> None:
    with pytest.raises(BackendError, match=r"it is not an ONNX file|cannot load it: "):
        backend.load(bad, MANIFEST)


def test_cuda_that_is_built_in_but_does_not_start_is_an_error_or_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("This ONNX Runtime has CUDA.")
    built = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    monkeypatch.setattr(warnings, "warn", lambda *_, **__: None)  # ONNX Runtime's own, that the provider is not there
    with pytest.raises(BackendError, match=r"^NALU_DEVICE is cuda, but ONNX Runtime cannot start CUDA here, .*=cpu\.$"):
        create_backend("onnx", "cuda", 1)
    assert create_backend("onnx", "auto", 1).device == "cpu"
    assert "ONNX Runtime cannot start CUDA here, so models run on the CPU." in caplog.messages
