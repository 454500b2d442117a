"""A new model is warmed up before it is served, and replaces the old one without an effect on requests."""

import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from app.backends import Backend, Predictor, create_backend
from app.errors import ModelNotFoundError
from app.repository.load import LoadedModel
from app.repository.repository import Repository
from models.manifest import Manifest
from tests.app.factory import (
    arithmetic_graph,
    image_manifest,
    image_onnx,
    manifest_of,
    onnx_bytes,
    running,
    wait_until,
    write_image,
    write_sum,
    write_version,
)


class Recording:
    """A backend whose models record the shapes of their inputs, and whether they were served by then."""

    def __init__(self, backend: Backend) -> None:
        self.file, self.device = backend.file, backend.device
        self.backend = backend
        self.repository: Repository | None = None
        self.calls: list[tuple[tuple[int, ...], bool]] = []

    def load(self, content: bytes, manifest: Manifest) -> Predictor:
        predict = self.backend.load(content, manifest)

        def recorded(inputs: NDArray[Any]) -> NDArray[Any]:
            assert self.repository is not None
            self.calls.append((inputs.shape, bool(self.repository.entries())))
            return predict(inputs)

        return recorded


@pytest.fixture
def backend() -> Recording:
    return Recording(create_backend("onnx", "cpu", 1))


@pytest.fixture
def repository(tmp_path: Path, backend: Recording) -> Repository:
    backend.repository = Repository(tmp_path, backend)
    return backend.repository


def test_a_model_of_images_is_loaded_with_what_decodes_them(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "models.decoding", raising=False)
    write_sum(repository.root)
    repository.refresh()
    assert "models.decoding" not in sys.modules
    write_image(repository.root, "m", "brightness")
    repository.refresh()
    assert "models.decoding" in sys.modules


def test_a_model_is_warmed_up_with_batches_of_one_two_and_many_before_it_is_served(
    repository: Repository, backend: Recording
) -> None:
    write_sum(repository.root)
    repository.refresh()
    assert {shape for shape, _ in backend.calls} == {(1, 2), (2, 2), (64, 2)}
    assert not any(served for _, served in backend.calls)


def test_large_images_are_warmed_up_in_batches_of_at_most_two_and_small_ones_in_many(
    repository: Repository, backend: Recording
) -> None:
    folder = write_image(repository.root, "brightness", "brightness")
    repository.refresh()
    assert {shape for shape, _ in backend.calls} == {(1, 1, 4, 6), (2, 1, 4, 6), (64, 1, 4, 6), (1, 1, 5, 8)}
    backend.calls.clear()
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"height": 4, "width": 6', '"height": 1000, "width": 700'))
    repository.refresh()
    assert {shape for shape, _ in backend.calls} == {(1, 1, 1000, 700), (2, 1, 1000, 700), (1, 1, 1001, 702)}


def test_a_model_of_one_size_is_warmed_up_in_that_size_only(repository: Repository, backend: Recording) -> None:
    write_image(repository.root, "strict", "brightness", fixed=True)
    repository.refresh()
    assert {shape for shape, _ in backend.calls} == {(1, 1, 4, 6), (2, 1, 4, 6), (64, 1, 4, 6)}


@pytest.mark.parametrize("resize", [True, False])
def test_a_model_of_one_image_size_whose_manifest_declares_any_is_damaged(repository: Repository, resize: bool) -> None:
    model = onnx.load_model_from_string(image_onnx("brightness"))
    for axis, size in ((2, 4), (3, 6)):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size
    manifest = image_manifest("m", "brightness", resize=resize)
    folder = write_version(repository.root, model.SerializeToString(), manifest)
    repository.refresh()
    [(_, entry)] = repository.entries()
    assert entry.reason is not None
    assert entry.reason.startswith(f"{folder}/model.onnx fails on a trial input: ")


def test_a_model_that_takes_only_one_size_of_batch_is_damaged(repository: Repository) -> None:
    pair = helper.make_tensor("pair", TensorProto.INT64, [2], [2, 2])
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("Reshape", ["input", "pair"], ["two"]),
        helper.make_node("ReduceSum", ["two", "axis"], ["output"]),
    ]
    folder = write_version(repository.root, onnx_bytes(arithmetic_graph(nodes, [pair, axis])), manifest_of("sum", 1))
    repository.refresh()
    [(_, entry)] = repository.entries()
    assert entry.model is None
    assert entry.reason is not None
    assert entry.reason.startswith(f"{folder}/model.onnx fails on a trial input: ")


def test_a_model_that_fails_without_a_message_is_damaged_for_the_type_of_the_exception(
    repository: Repository, backend: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(inputs: NDArray[Any]) -> NDArray[Any]:
        raise MemoryError

    monkeypatch.setattr(backend, "load", lambda content, manifest: fail)
    folder = write_sum(repository.root)
    repository.refresh()
    [(_, entry)] = repository.entries()
    assert entry.reason == f"{folder}/model.onnx fails on a trial input: MemoryError"


def test_an_unexpected_failure_of_the_backend_is_logged_and_not_disclosed(
    repository: Repository, backend: Recording, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(content: bytes, manifest: Manifest) -> Predictor:
        raise RuntimeError("confidential")

    monkeypatch.setattr(backend, "load", fail)
    folder = write_sum(repository.root)
    repository.refresh()
    [(_, entry)] = repository.entries()
    assert entry.reason == f"{folder} cannot be loaded: RuntimeError; the log has the details."
    assert "confidential" in caplog.text


def test_models_are_equal_by_identity_only(repository: Repository) -> None:
    write_sum(repository.root)
    repository.refresh()
    model = repository.get("sum")
    twin = LoadedModel(model.manifest, model.predict)
    assert model != twin
    assert len({model, twin, model}) == 2


def test_no_thread_sees_a_missing_or_mixed_up_model_while_versions_are_added_and_removed(
    repository: Repository,
) -> None:
    write_sum(repository.root, weight=1.0, summary="1")
    repository.refresh()
    over = threading.Event()

    def ask() -> int:
        requests = 0
        while not over.is_set():
            model = repository.get("sum")
            expected = 3 * float(model.manifest.summary)  # 1 and 2, summed and times the weight
            assert model.predict(np.array([[1.0, 2.0]])).tolist() == [[expected]]
            requests += 1
        return requests

    with ThreadPoolExecutor(3) as threads:
        futures = [threads.submit(ask) for _ in range(3)]
        try:
            for number in range(2, 20):
                write_sum(repository.root, version=1 + number % 2, weight=number, summary=str(number))
                repository.refresh()
                if number % 5 == 0:
                    shutil.rmtree(repository.root / "sum" / "2", ignore_errors=True)
                    repository.refresh()
        finally:
            over.set()
    assert all(future.result() > 0 for future in futures)


def test_over_http_no_request_fails_or_mixes_versions_while_versions_are_added_and_removed(
    tmp_path: Path,
) -> None:
    write_sum(tmp_path, version=1, weight=1)
    seen: set[int] = set()
    over = threading.Event()
    with running(tmp_path, repository_poll_seconds=0.01) as client:

        def ask() -> None:
            while not over.is_set():
                response = client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, 2]]})
                assert response.status_code == 200, response.text
                content = response.json()
                assert content["predictions"] == [[3.0 * content["version"]]]
                seen.add(content["version"])

        def expect(version: int) -> None:
            seen.clear()
            wait_until(lambda: version in seen or any(future.done() for future in futures))

        with ThreadPoolExecutor(2) as threads:
            futures = [threads.submit(ask) for _ in range(2)]
            try:
                expect(1)
                for number in (2, 3):
                    folder = write_sum(tmp_path, version=number, weight=number)
                    expect(number)
                shutil.rmtree(folder)
                expect(2)
            finally:
                over.set()
    assert [future.result() for future in futures] == [None, None]


def test_a_damaged_new_version_is_reported_and_the_old_one_is_served(tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path, repository_poll_seconds=0.01) as client:

        def states() -> dict[int, tuple[str, str | None]]:
            models = client.get("/health/ready").json()["models"]
            return {model["version"]: (model["state"], model["reason"]) for model in models}

        folder = write_version(tmp_path, b"not ONNX", manifest_of("sum", 2))
        reason = f"{folder}/model.onnx: it is not an ONNX file."
        wait_until(lambda: states() == {1: ("ready", None), 2: ("damaged", reason)})
        content = client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, 2]]}).json()
    assert (content["version"], content["predictions"]) == (1, [[3.0]])


def test_callers_cannot_change_the_repositorys_state(repository: Repository) -> None:
    write_sum(repository.root)
    repository.refresh()
    repository.latest().clear()
    repository.entries().clear()
    assert [manifest.name for manifest in repository.latest()] == ["sum"]
    with pytest.raises(ModelNotFoundError) as caught:
        repository.get("sum", 0)
    assert caught.value.detail == "Model 'sum' has no version 0; it has 1."
