import sys
from math import ceil
from pathlib import Path

import pytest
import torch
from torch import nn

from models.backbones import BACKBONES, Backbone, build_backbone, fine, local, small


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("in_channels", [1, 3])
def test_a_backbone_returns_as_many_channels_as_it_says(name: str, in_channels: int) -> None:
    network, op_channel = build_backbone(name, in_channels)
    stride = {"small": 8, "local": 8, "fine": 4}[name]
    assert network(torch.rand(2, in_channels, 16, 24)).shape == (2, op_channel, 16 // stride, 24 // stride)


@pytest.mark.parametrize(("backbone", "stride"), [(local, 8), (fine, 4)])
def test_no_pixel_is_left_out(backbone: type, stride: int) -> None:
    network = backbone(1).network
    x = torch.rand(1, 1, 33, 49, requires_grad=True)
    maps = network.eval()(x)
    assert maps.shape[2:] == (ceil(33 / stride), ceil(49 / stride))
    maps[0, :, -1, -1].sum().backward()
    assert x.grad is not None
    assert x.grad[0, 0, -1, -1] != 0


@pytest.mark.parametrize(("backbone", "side"), [(small, 54), (local, 38), (fine, 34)])
def test_a_location_of_the_feature_map_sees_as_many_pixels_as_documented(backbone: type, side: int) -> None:
    network = backbone(1).network.eval()
    for pool in (layer for layer in network if isinstance(layer, nn.MaxPool2d)):
        pool.register_forward_hook(
            lambda layer, args, _: nn.functional.avg_pool2d(args[0], layer.kernel_size, ceil_mode=layer.ceil_mode)
        )
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            nn.init.ones_(layer.weight)  # so that every pixel that is seen has a say
    x = torch.rand(1, 1, 128, 128, requires_grad=True)
    network(x)[0, 0, 8, 8].backward()
    assert x.grad is not None
    seen = x.grad[0, 0] != 0
    assert seen.any(0).sum() == seen.any(1).sum() == side


def test_a_factory_of_the_users_own_is_named_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_backbones.py").write_text(
        "from torch import nn\n"
        "from models.backbones import Backbone\n"
        "def tiny(in_channels):\n"
        "    return Backbone(nn.Conv2d(in_channels, 4, 3), 4)\n"
        "def bare(in_channels):\n"
        "    network = nn.Conv2d(in_channels, 5, 3)\n"
        "    network.op_channel = 5\n"
        "    return network\n"
        "def wrong(in_channels):\n"
        "    return nn.Conv2d(in_channels, 5, 3)\n"
        "number = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert build_backbone("my_backbones:tiny", 3).op_channel == 4
    made = build_backbone("my_backbones:bare", 1)
    assert isinstance(made, Backbone)
    assert made.op_channel == 5
    with pytest.raises(ValueError, match=r"'my_backbones:wrong' made a Conv2d; it must return a models\.backbones\."):
        build_backbone("my_backbones:wrong", 1)
    with pytest.raises(ValueError, match="'my_backbones:number' is a int, where a function of in_channels is needed"):
        build_backbone("my_backbones:number", 1)
    with pytest.raises(ValueError, match=r"'my_backbones:none' cannot be imported: .* Write package\.module:factory"):
        build_backbone("my_backbones:none", 1)
    sys.modules.pop("my_backbones")


@pytest.mark.parametrize("path", ["no_such_module_here:f", ":f", "models.backbones:"])
def test_what_cannot_be_imported_is_refused_by_name(path: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be imported: .* Write package\.module:factory\."):
        build_backbone(path, 1)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"Unknown backbone 'big'. Available: small, local, fine, or package\.module:factor"
    ):
        build_backbone("big", 1)
