"""What compares Triton with the service, without Triton: its judge, and the stand-in for Triton's ONNX backend."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.triton.compare import Difference, metadata_differences, random_requests
from benchmarks.triton.cost import Cost
from benchmarks.triton.environment import STAND_IN
from benchmarks.triton.graphs import linear, mixed
from benchmarks.triton.page import Results, page
from benchmarks.triton.polling import Step
from benchmarks.triton.repository import Compared
from models.manifest import Manifest
from tests.end_to_end.server import ROOT

TENSOR = {"name": "input", "datatype": "FP64", "shape": [-1, 2]}
MODEL: dict[str, Any] = {"name": "add", "platform": "x", "versions": ["1"], "inputs": [TENSOR], "outputs": [TENSOR]}


def test_metadata_differ_by_name_in_each_part_that_differs_and_not_in_order() -> None:
    other = {"name": "b", "datatype": "FP64", "shape": [-1, 2]}
    assert metadata_differences(MODEL, MODEL) == []
    assert metadata_differences({**MODEL, "inputs": [TENSOR, other]}, {**MODEL, "inputs": [other, TENSOR]}) == []
    changed = {**MODEL, "versions": ["1", "2"], "inputs": [{**TENSOR, "shape": [2]}], "outputs": [other]}
    assert metadata_differences(MODEL, changed) == ["versions", "input: shape", "outputs: b", "outputs: input"]


def difference(own: Any, other: Any) -> Difference:
    found = Difference()
    found.add({"y": np.asarray(own)}, {"y": np.asarray(other)})
    return found


@pytest.mark.parametrize(
    ("own", "other", "unequal", "largest"),
    [
        ([1.0, np.nan, np.inf], [1.0, np.nan, np.inf], 0, 0),
        ([1.0, 4.0], [1.0, 4.0 + 4e-12], 1, 1e-12),
        ([1.0, -np.inf], [1.0, np.inf], 1, np.inf),
        ([1.0, 2.0], [1.0, np.nan], 1, np.inf),
        (np.array([b"a", b"b"], object), np.array([b"a", b"c"], object), 1, np.inf),
    ],
)
def test_answers_differ_by_the_largest_difference_and_in_what_is_not_finite(
    own: Any, other: Any, unequal: int, largest: float
) -> None:
    found = difference(own, other)
    assert (found.values, found.unequal) == (len(own), unequal)
    assert found.largest == pytest.approx(largest, rel=1e-3)
    assert found.shown() == ("0" if not unequal else f"{largest:.0e}")


@pytest.mark.parametrize("other", [np.zeros((2, 1)), np.zeros(2, np.float32)])
def test_another_shape_or_datatype_is_no_answer(other: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="Output 'y' is float64"):
        difference(np.zeros(2), other)
    with pytest.raises(ValueError, match="The outputs are"):
        Difference().add({"y": other}, {"z": other})


def test_random_requests_fit_the_models_and_hold_zeros_and_both_signs() -> None:
    manifest = Manifest.read(ROOT / "repository/digit-sum/1")
    metadata = manifest.model_dump()
    image = metadata["image"]
    seen = [request["input"] for request in random_requests(metadata, image, 20, 4)]
    assert {each.shape[0] for each in seen} == {1, 2, 3, 4}
    assert all(each.dtype == np.uint8 and min(each.shape[2:]) >= image["height"] for each in seen)
    assert len({each.shape[2:] for each in seen}) > 10
    rows = np.concatenate([request["input"] for request in random_requests(MODEL, None, 50, 4)])
    assert rows.dtype == np.float64
    assert (rows == 0).any()
    assert (rows > 0).any()
    assert (rows < 0).any()


def test_a_step_that_one_server_misses_fails() -> None:
    assert Step("a", 1.0, 2.0).failed is False
    assert Step("a", 1.0, None).failed is True
    assert Step("a", 1.0, None).row() == "| a | yes | no |"
    assert Step("a", 1.0, None).line() == "a: 1.0 s, no"


def test_the_page_names_what_differs() -> None:
    same, other = Compared("add", 5, "a", "b", []), Compared("half", 5, "a", "b", ["versions"])
    other.answers["gRPC"].add({"y": np.ones(2)}, {"y": np.array([1.0, 1.5])})
    text = page(Results(folder=[same, other], bucket=[same, other], costs=[Cost(1, 1), Cost(2, 1)], same_index=False))
    assert "| `add` | 5 | a | b | same | 0 | 0 | 0 |" in text
    assert "| `half` | 5 | a | b | versions | 2 | 0 | 5e-01 |" in text
    assert "repository indexes DIFFER" in text
    assert "1 of\n2 models" in text


class Tensor:
    def __init__(self, name: str, values: NDArray[Any]) -> None:
        self._name, self._values = name, values

    def name(self) -> str:
        return self._name

    def as_numpy(self) -> NDArray[Any]:
        return self._values


class Config:
    """Triton's ``ModelConfig``, as far as the stand-in uses it."""

    def __init__(self) -> None:
        self.batch, self.dynamic = 0, False
        self.inputs: list[dict[str, Any]] = []
        self.outputs: list[dict[str, Any]] = []
        self.add_input, self.add_output = self.inputs.append, self.outputs.append

    def set_max_batch_size(self, size: int) -> None:
        self.batch = size

    def set_dynamic_batching(self) -> None:
        self.dynamic = True


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    utils = ModuleType("triton_python_backend_utils")
    utils.Tensor, utils.InferenceResponse, utils.TritonError = Tensor, SimpleNamespace, ValueError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, utils.__name__, utils)
    spec = importlib.util.spec_from_file_location("stand_in", STAND_IN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def request(**inputs: NDArray[Any]) -> SimpleNamespace:
    tensors = [Tensor(name, values) for name, values in inputs.items()]
    return SimpleNamespace(inputs=lambda: tensors, requested_output_names=lambda: ["scores", "same"])


def test_the_stand_in_declares_a_graph_as_triton_s_own_backend_does(
    stand_in: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_in, "_model_file", lambda: str(ROOT / "repository/digit-sum/1/model.onnx"))
    config = stand_in.TritonPythonModel.auto_complete_config(Config())
    assert (config.batch, config.dynamic) == (4, True)
    assert config.inputs == [{"name": "input", "data_type": "TYPE_UINT8", "dims": [1, -1, -1]}]
    assert config.outputs == [{"name": "output", "data_type": "TYPE_FP32", "dims": [1]}]


def test_the_stand_in_answers_each_request_and_one_that_the_graph_rejects_with_an_error(
    stand_in: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mixed(tmp_path / "model.onnx")
    monkeypatch.setattr(stand_in, "_model_file", lambda: str(tmp_path / "model.onnx"))
    model = stand_in.TritonPythonModel()
    model.initialize({})
    city = np.array([[b"Oslo"], ["Zürich".encode()]], object)
    good = request(city=city, count=np.array([[1], [2]]), x=np.zeros((2, 2), np.float32))
    bad = request(city=city, count=np.array([[1], [2]]), x=np.zeros((3, 2), np.float32))
    answer, error = model.execute([good, bad])
    scores, same = answer.output_tensors
    np.testing.assert_allclose(scores.as_numpy()[:, :2], np.tanh([[2, 1], [-1, 2]]), rtol=1e-6)
    assert same.as_numpy().tolist() == [["Oslo"], ["Zürich"]]
    assert "Concat" in str(error.error)


def test_the_versions_that_are_imported_answer_differently(tmp_path: Path) -> None:
    import onnxruntime

    found = []
    for weights in ([1.0, -2.0], [3.0, 0.25]):
        linear(tmp_path / "model.onnx", weights)
        session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
        found.append(session.run(None, {"x": np.array([[2.0, 4.0]], np.float32)})[0].item())
    assert found == [-6.0, 7.0]
