"""Backbones as people write them: what training, export and serving need is checked before training."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models import backbones
from models.image_network import ImageNetwork
from training.data.labeled_images import LabeledImages
from training.errors import InputError
from training.export.checkpoint import load_checkpoint, save_checkpoint
from training.export.network_files import write_torchscript
from training.vision.backbone_check import check_backbone, check_maps
from training.vision.config import TrainConfig
from training.vision.user_backbone import check_network

IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 1, 20, 20), dtype=np.uint8))


class Computing(nn.Module):
    """A convolution, and what a user makes of its maps."""

    op_channel = 8

    def __init__(self, function: Callable[[Tensor], Any] = lambda maps: maps) -> None:
        super().__init__()
        self.convolution, self.function = nn.Conv2d(1, 8, 3, padding=1), function

    def forward(self, x: Tensor) -> Any:
        return self.function(self.convolution(x))


def stacked(*layers: nn.Module) -> Any:
    made: Any = nn.Sequential(*layers)
    made.op_channel = 8
    return made


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ImageNetwork]:
    """A network with a backbone of one's own, for images of one size or of any."""

    def made(factory: Callable[[], Any], size: int | None = 20) -> ImageNetwork:
        monkeypatch.setattr(backbones, "_factory", lambda _: lambda _: factory())
        return ImageNetwork("classification", 2, "NAC", backbone="eyes:it", height=size, width=size).eval()

    return made


def check(made: ImageNetwork, other: ImageNetwork | None = None, device: str = "cpu") -> None:
    check_backbone(made, other or ImageNetwork("classification", 2, "NAC"), IMAGES, device)


class OnTheCPU(Computing):
    """A tensor that does not move with the module."""

    def __init__(self) -> None:
        super().__init__()
        self.mask = torch.ones(20, 20)

    def forward(self, x: Tensor) -> Any:
        return self.convolution(x) * self.mask


REFUSED = {
    "random in evaluation": (
        lambda: Computing(lambda maps: functional.dropout(maps, 0.5)),
        r"gives the same images other feature maps each time, in evaluation mode too; leave out there what is random",
    ),
    "noise in evaluation": (
        lambda: Computing(lambda maps: maps + torch.randn_like(maps)),
        r"gives the same images other feature maps each time",
    ),
    "scaled by the batch": (
        lambda: Computing(lambda maps: maps / maps.abs().max()),
        r"gives an image other feature maps in a batch than alone, and the service batches images; compute every image",
    ),
    "normalised over the batch": (
        lambda: Computing(lambda maps: functional.batch_norm(maps, None, None, training=True)),
        r"gives an image other feature maps in a batch than alone",
    ),
    "one batch size": (
        lambda: Computing(lambda maps: maps.view(7, 8, 20, 20)),
        r"cannot take a batch of 1 images; backbone \(Computing\) \(test_backbone_check\.py, line \d+\): Runtime",
    ),
    "in-place operators": (
        lambda: Computing(lambda maps: maps.sigmoid().mul_(2)),
        r"cannot be trained on cpu: RuntimeError: one of the variables needed for gradient computation has been mod",
    ),
    "TorchScript": (
        lambda: stacked(torch.jit.script(nn.Conv2d(1, 8, 3))),
        r"is TorchScript, which cannot be exported to ONNX; return the module that it is of\.$",
    ),
}


@pytest.mark.parametrize(("factory", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_trained_or_served_is_one_sentence(
    network: Callable[..., ImageNetwork], factory: Callable[[], Any], message: str
) -> None:
    with pytest.raises(InputError, match=rf"^Backbone 'eyes:it' {message}") as raised:
        check(network(factory))
    assert "\n" not in str(raised.value)


def test_a_tensor_that_stays_on_another_device_is_found(network: Callable[..., ImageNetwork]) -> None:
    check(network(OnTheCPU))
    with pytest.raises(InputError, match=r"^Backbone 'eyes:it' cannot be trained on meta: .*device"):
        check(network(OnTheCPU), device="meta")


def test_a_module_that_is_made_once_and_returned_twice_is_refused(network: Callable[..., ImageNetwork]) -> None:
    once = Computing()
    with pytest.raises(InputError, match=r"is the same module in every call; make a new one each time, as two are"):
        check(network(lambda: once), network(lambda: once))


MAPS = {
    "tuple": ((torch.ones(2, 8, 5, 5),), r"returns a tuple; it must return feature maps, a float32 tensor \(batch, 8,"),
    "dict": ({}, r"returns a dict; it must"),
    "none": (None, r"returns a NoneType; it must"),
    "no map": (torch.ones(2, 8), r"returns a tensor \(batch, 8\) of torch\.float32; it must"),
    "channels": (torch.ones(2, 7, 5, 5), r"returns a tensor \(batch, 7, 5, 5\) of torch\.float32; it must"),
    "bfloat16": (torch.ones(2, 8, 5, 5).bfloat16(), r"returns a tensor \(batch, 8, 5, 5\) of torch\.bfloat16; it must"),
}


@pytest.mark.parametrize(("maps", "message"), MAPS.values(), ids=MAPS)
def test_what_is_no_feature_maps_is_named(network: Callable[..., ImageNetwork], maps: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_maps(maps, network(Computing))


def shared_and_compiled() -> Any:
    twice = torch.compile(nn.Conv2d(8, 8, 3))
    return stacked(nn.Conv2d(1, 8, 3), twice, nn.ReLU(), twice)


def compiled_in_place() -> Any:
    made = stacked(nn.Conv2d(1, 8, 3))
    made[0].compile()
    return made


TAKEN: dict[str, Callable[[], nn.Module]] = {
    "lazy": lambda: stacked(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d()),
    "half": lambda: Computing().half(),
    "double": lambda: Computing().double(),
    "compiled": lambda: stacked(torch.compile(nn.Conv2d(1, 8, 3))),
    "compiled in place": compiled_in_place,
    "compiled and shared": shared_and_compiled,
    "compiled as a whole": lambda: torch.compile(Computing()),  # type: ignore[return-value]
    "compiled, with its channels": lambda: backbones.Backbone(torch.compile(Computing()), 8),  # type: ignore
    "weight norm": lambda: stacked(nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 8, 3))),
    "spectral norm": lambda: stacked(nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 8, 3))),
    "frozen": lambda: Computing().requires_grad_(requires_grad=False),
    "no momentum": lambda: stacked(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8, momentum=None)),
    "dropout": lambda: stacked(nn.Conv2d(1, 8, 3), nn.Dropout2d(0.5)),
}


@pytest.mark.parametrize("factory", TAKEN.values(), ids=TAKEN)
def test_what_people_write_is_taken_and_saved(
    network: Callable[..., ImageNetwork], factory: Callable[[], nn.Module], tmp_path: Any
) -> None:
    made = network(factory)
    check(made)
    assert {weight.dtype for weight in made.parameters()} == {torch.float32}
    save_checkpoint(made, tmp_path / "weights.safetensors")
    again = load_checkpoint(tmp_path / "weights.safetensors")
    torch.testing.assert_close(again(IMAGES), made(IMAGES))


@pytest.mark.parametrize("name", [name for name in TAKEN if "compiled" in name])
def test_what_is_compiled_is_traced_as_it_was_before(
    network: Callable[..., ImageNetwork], name: str, tmp_path: Any
) -> None:
    made = network(TAKEN[name])
    write_torchscript(made, IMAGES, tmp_path / "model.pt")
    traced = torch.jit.load(tmp_path / "model.pt")  # type: ignore[no-untyped-call]
    torch.testing.assert_close(traced(IMAGES), made(IMAGES))


def test_a_module_used_twice_is_saved_once_more(network: Callable[..., ImageNetwork], tmp_path: Any) -> None:
    def tied() -> Any:
        twice = nn.Conv2d(8, 8, 3)
        return stacked(nn.Conv2d(1, 8, 3), twice, nn.ReLU(), twice)

    made = network(tied)
    save_checkpoint(made, tmp_path / "weights.safetensors")
    torch.testing.assert_close(load_checkpoint(tmp_path / "weights.safetensors")(IMAGES), made(IMAGES))


@pytest.mark.slow
@pytest.mark.parametrize("size", [20, None])
def test_a_network_is_exported_before_it_is_trained(network: Callable[..., ImageNetwork], size: int | None) -> None:
    network(lambda: stacked(nn.Conv2d(1, 8, 3, padding=1), nn.AdaptiveMaxPool2d(3)), size)
    config = TrainConfig("it", ["a", "b"], "NAC", 0, "", "", "", 1, {"backbone": "e:i", "height": size, "width": size})
    train = LabeledImages(list(IMAGES.numpy()), np.array([0.0, 1, 0, 1]))
    if size:
        check_network(config, train)
        return
    message = (
        r"^Backbone 'e:i' cannot be exported: aten::adaptive_max_pool2d of backbone\.1 \(AdaptiveMaxPool2d\): adap"
    )
    with pytest.raises(InputError, match=message):
        check_network(config, train)
