import hashlib
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from models.image_network import ImageNetwork
from models.law import Law
from models.networks import Network
from tests.end_to_end.server import ROOT
from training.errors import InputError
from training.export.checkpoint import load_checkpoint, save_checkpoint
from training.export.write import (
    Export,
    ParityError,
    check_finite,
    check_parity,
    package_versions,
    tensor_spec,
    write_model,
)

FIELDS: dict[str, Any] = {
    "task": "arithmetic",
    "summary": "test",
    "inputs": [tensor_spec("input", "FP64", [-1, 2], ["a", "b"])],
    "outputs": [tensor_spec("output", "FP64", [-1, 1], ["y"])],
    "classes": None,
    "image": None,
    "unit": "NALU",
    "dims": [2, 1],
    "formula": None,
    "training": {
        "ranges": [(1.0, 2.0), (1.0, 2.0)],
        "rows": 1,
        "seed": 0,
        "command": "",
        "packages": package_versions(),
        "data": "",
    },
    "metrics": {"interpolation": {}, "extrapolation": {}},
}


def export(network: Network | ImageNetwork | Law | None = None) -> Export:
    torch.manual_seed(0)
    network = network or Network("NALU", [2, 1]).double().exact()
    inside = np.random.default_rng(0).uniform(1, 2, (8, 2))
    return Export(network, {"interpolation": inside, "extrapolation": inside * 1000}, FIELDS)


def product() -> Law:
    """A network whose export is quick: laws are traced."""
    law = Law(2, 1, 1)
    law.W.data.fill_(1)
    law.C.data.fill_(1)
    return law.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The version folder of a model that no test changes, alone in its repository."""
    return write_model(export(), tmp_path_factory.mktemp("repository"), "model")


@pytest.mark.slow
def test_a_version_folder_holds_the_contract_and_hashes_that_are_right(folder: Path) -> None:
    assert (folder.parent.name, folder.name) == ("model", "1")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sorted(path.name for path in folder.iterdir()) == sorted([*manifest["files"], "manifest.json"])
    assert sorted(manifest["files"]) == ["model.onnx", "model.pt", "weights.safetensors"]
    for name, entry in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert [path.name for path in folder.parents[1].iterdir()] == ["model"]
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in (folder, *folder.iterdir()))


@pytest.mark.slow
def test_versions_count_up_and_one_can_be_replaced(tmp_path: Path) -> None:
    assert [write_model(export(product()), tmp_path, "model").name for _ in range(2)] == ["1", "2"]
    before = (tmp_path / "model" / "1" / "model.pt").stat().st_ino
    write_model(export(product()), tmp_path, "model", version=1)
    assert (tmp_path / "model" / "1" / "model.pt").stat().st_ino != before
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["1", "2"]


@pytest.mark.slow
def test_two_runs_that_take_the_same_number_both_keep_their_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(export(product()), tmp_path, "model")
    seen = iter([[], [1]])  # the first look is from before the other run finished
    monkeypatch.setattr("training.export.version_folder.versions", lambda _: next(seen))
    folder = write_model(export(product()), tmp_path, "model")
    assert folder.name == "2"
    assert json.loads((folder / "manifest.json").read_text())["version"] == 2


@pytest.mark.slow
def test_onnx_is_one_file_in_float64_with_a_free_batch_dimension(folder: Path) -> None:
    path = folder / "model.onnx"
    graph = onnx.load(path, load_external_data=False).graph
    assert not any(weight.external_data for weight in graph.initializer)
    value = graph.input[0].type.tensor_type
    assert value.elem_type == onnx.TensorProto.DOUBLE
    assert value.shape.dim[0].dim_param
    session = onnxruntime.InferenceSession(path)
    assert [session.run(None, {"input": np.ones((rows, 2))})[0].shape for rows in (1, 5)] == [(1, 1), (5, 1)]


@pytest.mark.slow
def test_exported_files_say_nothing_of_the_machine_that_made_them(folder: Path) -> None:
    here = str(Path(__file__).parents[3]).encode()
    archive = zipfile.ZipFile(folder / "model.pt")
    contents = [archive.read(name) for name in archive.namelist()] + [path.read_bytes() for path in folder.iterdir()]
    assert not any(here in content or b"site-packages" in content for content in contents)


class Drifting(torch.nn.Module):
    """Answers a little more each time, as no exported file of it can."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x * (1 + self.calls * 1e-6)


@pytest.mark.slow
def test_a_file_that_fails_parity_leaves_nothing_behind(tmp_path: Path) -> None:
    network: Any = Network("NAC", [2, 2]).double()
    network[0] = Drifting()
    (tmp_path / "model").mkdir()
    with pytest.raises(ParityError, match=r"^model\.onnx of 'model' on interpolation inputs differs .*at most 1e-09"):
        write_model(export(network), tmp_path, "model")
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]
    assert list((tmp_path / "model").iterdir()) == []


def test_parity_is_relative_and_sees_what_is_not_finite() -> None:
    network = torch.nn.Identity()
    x = np.array([[1e-3, 1e6], [5.0, np.inf]])
    check_parity(network, lambda inputs: inputs * (1 + 9e-10), x, "it")
    with pytest.raises(ParityError, match=r"^it differs from the PyTorch model by 2\.0e-09; at most 1e-09 is allowed"):
        check_parity(network, lambda inputs: inputs * (1 + 2e-9), x, "it")
    with pytest.raises(ParityError, match="values that are not finite"):
        check_parity(network, lambda inputs: np.nan_to_num(inputs), x, "it")
    check_parity(network, lambda inputs: inputs * np.float32(1 + 9e-5), x.astype(np.float32), "it")
    with pytest.raises(ParityError, match=r"at most 0\.0001"):
        check_parity(network, lambda inputs: inputs * np.float32(1 + 2e-4), x.astype(np.float32), "it")


@pytest.mark.parametrize(
    "network",
    [
        Network("NALU", [3, 2, 1], shared_weights=True, eps=0.5).double(),
        ImageNetwork("regression", 1, "NAC", contrast="strokes", scale=3.0),
    ],
)
def test_a_checkpoint_builds_the_same_network_again(tmp_path: Path, network: Network | ImageNetwork) -> None:
    network.eval()
    save_checkpoint(network, tmp_path / "weights.safetensors")
    again = load_checkpoint(tmp_path / "weights.safetensors")
    x = torch.rand(4, 3).double() if isinstance(network, Network) else torch.ones(2, 1, 9, 9, dtype=torch.uint8)
    assert torch.equal(again(x), network(x))
    assert again.config == network.config


@pytest.mark.parametrize(("name", "pool"), [("digit", "average"), ("digit-sum", "count"), ("digit-product", "product")])
def test_a_checkpoint_of_version_0_1_with_its_old_names_is_the_network_that_is_served(name: str, pool: str) -> None:
    folder = ROOT / "repository" / name / "1"
    network = load_checkpoint(folder / "weights.safetensors")
    assert isinstance(network, ImageNetwork)
    assert network.config["pool"] == network.network.pool == pool
    x = np.random.default_rng(0).integers(0, 256, (2, 1, 30, 40), dtype=np.uint8)
    served = onnxruntime.InferenceSession(folder / "model.onnx").run(None, {"input": x})[0]
    np.testing.assert_allclose(network(torch.from_numpy(x)).detach().numpy(), served, rtol=1e-4, atol=1e-5)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"nonsense")
    for name in ("w", "missing"):
        with pytest.raises(InputError, match=r"is not a checkpoint of this project; train the model again\.$"):
            load_checkpoint(tmp_path / name)


def _spoiled(kind: str) -> Any:
    network: Any
    if kind == "Law":
        network = Law(2, 1, 1)
        network.negative.fill_(math.nan)  # a root of a negative number: no fault
        network.C.data.fill_(math.inf)
    elif kind == "ImageNetwork":
        network = ImageNetwork("regression", 1, "NAC")
        next(network.parameters()).data.fill_(math.nan)
    else:
        network = Network(kind, [2, 1]).double()
        next(network.parameters()).data[0, 0] = math.nan
    return network


@pytest.mark.parametrize("kind", ["NAC", "AMU", "Law", "ImageNetwork"])
def test_weights_that_are_not_finite_are_never_written(tmp_path: Path, kind: str) -> None:
    message = r"^'m' is not written, as the weight '\S+' is (nan|inf); train it again with a lower learning rate\.$"
    with pytest.raises(InputError, match=message):
        write_model(Export(_spoiled(kind), {}, {}), tmp_path / "repository", "m")
    assert not (tmp_path / "repository").exists()


def test_the_signs_of_a_law_may_be_nan() -> None:
    law = Law(2, 1, 1)
    law.negative.fill_(math.nan)
    check_finite(law, "m")


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1.0, 1e200, 1e300])
def test_parity_is_relative_at_every_size(size: float) -> None:
    x = np.array([[1.0], [-2.0], [0.0]]) * size
    check_parity(nn.Identity(), lambda inputs: inputs * (1 + 9e-10), x, "it")
    with pytest.raises(
        ParityError, match=r"^it differs from the PyTorch model by 2\.0e-09; at most 1e-09 is allowed\.$"
    ):
        check_parity(nn.Identity(), lambda inputs: inputs * (1 + 2e-9), x, "it")


def test_outputs_that_are_all_zero_may_differ_by_rounding_alone() -> None:
    zeros = np.zeros((3, 1))
    check_parity(nn.Identity(), lambda inputs: inputs + 1e-12, zeros, "it")
    with pytest.raises(ParityError, match=r"differs from the PyTorch model by 1\.0e-06"):
        check_parity(nn.Identity(), lambda inputs: inputs + 1e-6, zeros, "it")
