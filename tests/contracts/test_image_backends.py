"""ONNX Runtime and TorchScript give the same answer to an image, on the CPU and, where there is one, on a GPU.

Where there is none, the tests on a GPU are skipped; what can be known without one is asked of the graphs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from app.backends import BACKENDS, Predictor, create_backend
from app.backends.onnx import CUDA_OPTIONS, OnnxBackend
from models.head import Pool
from models.image_network import ImageNetwork
from models.manifest import ONNX_FILE, TORCHSCRIPT_FILE, Manifest, versions
from models.units import UNITS
from tests.app.factory import image_manifest, sum_onnx
from training.export.network_files import write_onnx, write_torchscript

REPOSITORY = Path(__file__).parents[2] / "repository"
FILES = {"onnx": ONNX_FILE, "torchscript": TORCHSCRIPT_FILE}
SIZES = [(1, 28, 28), (3, 40, 32), (2, 17, 90)]
"""Images, and their height and width."""
TOLERANCE = 1e-3
POOLS = [pool for pool in get_args(Pool) if pool is not None]
UNRESIZED: dict[str, Any] = {"height": None, "width": None, "backbone": "fine"}
NETWORKS: dict[str, dict[str, Any]] = {
    "resized-colour": {"mode": "RGB", "contrast": "strokes"},
    "unresized-colour": UNRESIZED | {"pool": "sum", "mode": "RGB", "head_type": "NAC"},
}
"""What the default models, which are asked too, are not. Few, as an export takes seconds."""


class Case(NamedTuple):
    """A model: its manifest, its file for each backend, and the PyTorch network where it was made here."""

    manifest: Manifest
    files: dict[str, bytes]
    network: ImageNetwork | None = None

    def loaded(self, backend: str, device: str) -> Predictor:
        return create_backend(backend, device, 1).load(self.files[backend], self.manifest)

    def images(self) -> Iterator[NDArray[np.uint8]]:
        """Bright strokes on dark, in several sizes."""
        random = np.random.default_rng(0)
        for count, height, width in SIZES:
            strokes = random.random((count, self.manifest.inputs[0].shape[1], height, width)) < 0.15
            yield np.where(strokes, random.integers(150, 256, strokes.shape), 20).astype(np.uint8)


def network_of(**settings: Any) -> ImageNetwork:
    torch.manual_seed(0)
    network = ImageNetwork("regression", 1, **{"head_type": "NALU", "hidden_dims": (8,)} | settings).eval()
    return network.requires_grad_(requires_grad=False)


def made(folder: Path, **settings: Any) -> Case:
    network = network_of(**settings)
    channels, resize = (3 if settings.get("mode") == "RGB" else 1), "height" not in settings
    manifest = Manifest.model_validate(image_manifest("m", "brightness", channels=channels, resize=resize))
    example = torch.randint(0, 256, (2, channels, 40, 48), dtype=torch.uint8)
    write_onnx(network, example, folder / ONNX_FILE)
    write_torchscript(network, example, folder / TORCHSCRIPT_FILE)
    return Case(manifest, {backend: (folder / file).read_bytes() for backend, file in FILES.items()}, network)


def committed() -> list[Path]:
    """Version folders of the default models that take images."""
    folders = [name / str(versions(name)[-1]) for name in sorted(REPOSITORY.iterdir()) if versions(name)]
    return [folder for folder in folders if Manifest.read(folder).image is not None]


@pytest.fixture(
    scope="module", params=[*NETWORKS, *committed()], ids=[*NETWORKS, *(folder.parent.name for folder in committed())]
)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    if isinstance(request.param, Path):
        files = {backend: (request.param / file).read_bytes() for backend, file in FILES.items()}
        return Case(Manifest.read(request.param), files)
    return made(tmp_path_factory.mktemp("model"), **NETWORKS[request.param])


def close(actual: NDArray[Any], expected: NDArray[Any]) -> None:
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.slow
def test_both_backends_answer_an_image_of_any_size_alike_on_the_cpu(case: Case) -> None:
    onnx, torchscript = (case.loaded(backend, "cpu") for backend in ("onnx", "torchscript"))
    for images in case.images():
        close(onnx(images), torchscript(images))
        if case.network is not None:
            close(onnx(images), case.network(torch.from_numpy(images)).numpy())


@pytest.mark.slow
def test_an_image_has_the_same_answer_alone_and_among_others(case: Case) -> None:
    for backend in BACKENDS:
        predict = case.loaded(backend, "cpu")
        for images in case.images():
            close(predict(images), np.concatenate([predict(image[None]) for image in images]))


def has_cuda(backend: str) -> str | None:
    """None, or what is missing for the backend to run on a GPU."""
    if not torch.cuda.is_available():  # which asks the driver
        return "PyTorch finds no CUDA device"
    if backend == "onnx" and "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this ONNX Runtime has no CUDA: onnxruntime-gpu has to take the place of onnxruntime"
    return None


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_image_has_the_same_answer_on_the_gpu_and_on_the_cpu(case: Case, backend: str) -> None:
    missing = has_cuda(backend)
    if missing:
        pytest.skip(missing)
    gpu, cpu = case.loaded(backend, "cuda"), case.loaded("onnx", "cpu")
    for images in case.images():
        close(gpu(images), cpu(images))


def pinned(file: Path) -> list[str]:
    """Operations of a TorchScript file that make more than one number on a device that was written down at the export.

    A graph that is moved to a GPU computes the rest there, and such numbers are not where they are needed. A single
    number is taken from anywhere.
    """
    module = torch.jit.load(file)  # type: ignore[no-untyped-call]
    graph = module.inlined_graph
    found = []
    for constant in graph.findAllNodes("prim::Constant"):
        if str(constant.output().type()) == "Device":
            users = [use.user for use in constant.output().uses()]
            found += [user.kind() for user in users if not _is_one_number(user)]
    return found


def pinned_in(network: torch.nn.Module, folder: Path) -> list[str]:
    write_torchscript(network, torch.zeros(2, 1, 40, 48, dtype=torch.uint8), folder / TORCHSCRIPT_FILE)
    return pinned(folder / TORCHSCRIPT_FILE)


def _is_one_number(node: Any) -> bool:
    while node.kind() in ("aten::to", "aten::detach"):
        node = next(iter(node.inputs())).node()
    return node.kind() == "prim::Constant" and node.kindOf("value") == "t" and node.t("value").ndim == 0


def test_what_a_default_model_computes_with_moves_to_its_device() -> None:
    for folder in committed():
        assert pinned(folder / TORCHSCRIPT_FILE) == [], folder


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS.names())
def test_what_a_head_computes_with_moves_to_its_device(tmp_path: Path, unit: str) -> None:
    assert pinned_in(network_of(head_type=unit), tmp_path) == []


@pytest.mark.parametrize("pool", POOLS)
def test_what_is_pooled_with_moves_to_its_device(tmp_path: Path, pool: str) -> None:
    assert pinned_in(network_of(**UNRESIZED | {"pool": pool, "contrast": "strokes"}), tmp_path) == []


def test_a_device_that_was_written_down_is_found(tmp_path: Path) -> None:
    class Pinned(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.float() + torch.arange(x.shape[-1], device=x.device)

    assert pinned_in(Pinned(), tmp_path) == ["aten::arange"]


def test_onnx_prefers_cuda_and_leaves_the_rest_to_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU: what ONNX Runtime would be asked for."""
    asked: list[Any] = []
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]

    class Session:
        def __init__(self, _: bytes, *options: Any, providers: list[Any]) -> None:
            asked.append(providers)

        def run(self, *_: Any) -> list[Any]:
            return []

        def get_providers(self) -> list[str]:
            return both

        def get_inputs(self) -> list[Any]:
            return []

        get_outputs = get_inputs

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    for device, expected in (("auto", "cuda"), ("cuda", "cuda"), ("cpu", "cpu")):
        backend = OnnxBackend(device, 1)
        assert backend.device == expected
        with pytest.raises(Exception, match="its inputs and outputs are"):
            backend.load(sum_onnx(), Manifest.model_validate(image_manifest("m", "brightness")))
        wanted = [("CUDAExecutionProvider", CUDA_OPTIONS), "CPUExecutionProvider"]
        assert asked[-1] == (wanted if expected == "cuda" else ["CPUExecutionProvider"])
