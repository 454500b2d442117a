"""A new model is warm before it is served, and is put in the old one's place without a request noticing."""

import shutil
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
from app.repository.load import Model
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
    """A backend whose models note the shape of what they are given, and whether they were served by then."""

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


def test_a_model_computes_batches_of_one_two_and_many_before_it_is_served(
    repository: Repository, backend: Recording
) -> None:
    write_sum(repository.root)
    repository.refresh()
    assert {shape for shape, _ in backend.calls} == {(1, 2), (2, 2), (64, 2)}
    assert not any(served for _, served in backend.calls)


def test_large_images_are_warmed_in_no_more_than_two_and_small_ones_in_many(
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


def test_a_model_of_one_size_is_warmed_in_that_size_alone(repository: Repository, backend: Recording) -> None:
    write_image(repository.root, "strict", "brightness", fixed=True)
    repository.refresh()
    assert {shape for shape, _ in backend.calls} == {(1, 1, 4, 6), (2, 1, 4, 6), (64, 1, 4, 6)}


@pytest.mark.parametrize("resize", [True, False])
def test_a_model_that_takes_only_one_size_of_images_where_any_is_promised_is_damaged(
    repository: Repository, resize: bool
) -> None:
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


def test_a_model_that_fails_without_a_word_is_damaged_and_the_kind_of_failure_is_named(
    repository: Repository, backend: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(inputs: NDArray[Any]) -> NDArray[Any]:
        raise MemoryError

    monkeypatch.setattr(backend, "load", lambda content, manifest: fail)
    folder = write_sum(repository.root)
    repository.refresh()
    [(_, entry)] = repository.entries()
    assert entry.reason == f"{folder}/model.onnx fails on a trial input: MemoryError"


def test_models_are_told_apart_by_identity(repository: Repository) -> None:
    write_sum(repository.root)
    repository.refresh()
    model = repository.get("sum")
    twin = Model(model.manifest, model.predict)
    assert model != twin
    assert len({model, twin, model}) == 2


def test_no_thread_ever_sees_a_model_missing_or_answering_for_another_while_versions_come_and_go(
    repository: Repository,
) -> None:
    write_sum(repository.root, weight=1.0, summary="1")
    repository.refresh()
    over = threading.Event()

    def ask() -> int:
        asked = 0
        while not over.is_set():
            model = repository.get("sum")
            expected = 3 * float(model.manifest.summary)  # 1 and 2, summed and times the weight
            assert model.predict(np.array([[1.0, 2.0]])).tolist() == [[expected]]
            asked += 1
        return asked

    with ThreadPoolExecutor(3) as threads:
        asking = [threads.submit(ask) for _ in range(3)]
        try:
            for number in range(2, 20):
                write_sum(repository.root, version=1 + number % 2, weight=number, summary=str(number))
                repository.refresh()
                if number % 5 == 0:
                    shutil.rmtree(repository.root / "sum" / "2", ignore_errors=True)
                    repository.refresh()
        finally:
            over.set()
    assert all(asked.result() > 0 for asked in asking)


def test_over_http_no_request_is_lost_or_answered_by_another_version_while_versions_come_and_go(
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
                answer = response.json()
                assert answer["predictions"] == [[3.0 * answer["version"]]]
                seen.add(answer["version"])

        def expect(version: int) -> None:
            seen.clear()
            wait_until(lambda: version in seen or any(asked.done() for asked in asking))

        with ThreadPoolExecutor(2) as threads:
            asking = [threads.submit(ask) for _ in range(2)]
            try:
                expect(1)
                for number in (2, 3):
                    folder = write_sum(tmp_path, version=number, weight=number)
                    expect(number)
                shutil.rmtree(folder)
                expect(2)
            finally:
                over.set()
    assert [asked.result() for asked in asking] == [None, None]


def test_a_bad_new_version_leaves_the_old_one_serving_and_is_reported(tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path, repository_poll_seconds=0.01) as client:

        def states() -> dict[int, tuple[str, str | None]]:
            models = client.get("/health/ready").json()["models"]
            return {model["version"]: (model["state"], model["reason"]) for model in models}

        folder = write_version(tmp_path, b"not ONNX", manifest_of("sum", 2))
        reason = f"{folder}/model.onnx: it is not an ONNX file."
        wait_until(lambda: states() == {1: ("ready", None), 2: ("damaged", reason)})
        answer = client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, 2]]}).json()
    assert (answer["version"], answer["predictions"]) == (1, [[3.0]])


def test_the_index_of_models_is_not_what_a_request_can_change(repository: Repository) -> None:
    write_sum(repository.root)
    repository.refresh()
    repository.latest().clear()
    repository.entries().clear()
    assert [manifest.name for manifest in repository.latest()] == ["sum"]
    with pytest.raises(ModelNotFoundError) as caught:
        repository.get("sum", 0)
    assert caught.value.detail == "Model 'sum' has no version 0; it has 1."
