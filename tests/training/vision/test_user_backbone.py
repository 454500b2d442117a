"""A user's own backbone, in a module of the current folder."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data.labeled_images import LabeledImages
from training.errors import InputError
from training.vision.config import TrainConfig
from training.vision.train import takes_channels_last
from training.vision.user_backbone import check_network, make_importable, source_of

TRAIN = LabeledImages([np.full((1, 28, 28), 9, np.uint8)] * 2, np.array([1.0, 2.0]))

SOURCE = """
import torch
from torch import nn
from models.backbones import Backbone

class Eye(nn.Module):
    op_channel = 4
    def __init__(self, in_channels):
        super().__init__()
        self.look = nn.Conv2d(in_channels, 4, 3, padding=1)
    def forward(self, x):
        return self.look(x)

class Viewing(Eye):
    def forward(self, x):
        maps = self.look(x)
        return maps.view(len(maps), -1).view(maps.shape)

def pair(in_channels):
    return Backbone(nn.Conv2d(in_channels, 3, 3), 3)

def wrong(in_channels):
    return Backbone(nn.Conv2d(in_channels, 3, 3), 5)

def coarse(in_channels):
    return Backbone(nn.Conv2d(in_channels, 3, 20), 3)

def broken(in_channels):
    return undefined_name

number = 7
def nothing(in_channels):
    return None
"""


def plan(backbone: str, size: int | None = 28) -> TrainConfig:
    network = {"backbone": backbone, "height": size, "width": size}
    return TrainConfig("eye", None, "NAC", 0, "", "", "", 3, network=network)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Write the module, and name a factory of it."""
    (tmp_path / "my_eyes.py").write_text(SOURCE)
    monkeypatch.setattr("training.vision.user_backbone.check_export", lambda *_: None)  # has its own tests
    (tmp_path / "syntax_eyes.py").write_text("def f(:\n")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    make_importable(tmp_path)
    yield lambda name: name if ":" in name else f"my_eyes:{name}"
    for name in ("my_eyes", "syntax_eyes"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["pair", "Eye"])
def test_a_pair_and_a_module_that_knows_its_channels_are_backbones(module: Callable[[str], str], name: str) -> None:
    network = check_network(plan(module(name)), TRAIN)
    assert network.config["backbone"] == f"my_eyes:{name}"
    assert takes_channels_last(network, TRAIN.images[0])


def test_a_backbone_that_takes_views_of_its_maps_keeps_them_as_they_are(module: Callable[[str], str]) -> None:
    network = check_network(plan(module("Viewing")), TRAIN)
    assert not takes_channels_last(network, TRAIN.images[0])
    assert all(value.is_contiguous() for value in network.state_dict().values())


def test_the_source_of_ones_own_backbone_is_known_and_ours_has_none(module: Callable[[str], str]) -> None:
    check_network(plan(module("pair")), TRAIN)
    assert source_of("my_eyes:pair") == SOURCE
    assert source_of("small") == ""


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("resnet", 28, r"^Unknown backbone 'resnet'\. Available: small, local, fine, or package\.module:factory\.$"),
        ("no_module:f", 28, r"^Backbone 'no_module:f' cannot be imported: No module named 'no_module'\. Write pack"),
        ("none", 28, r"^Backbone 'my_eyes:none' cannot be imported: module 'my_eyes' has no attribute 'none'\."),
        ("number", 28, r"^Backbone 'my_eyes:number' is a int, where a function of in_channels is needed\.$"),
        ("nothing", 28, r"^Backbone 'my_eyes:nothing' made a NoneType; it must return a models\.backbones\.Backbone"),
        (
            "broken",
            28,
            r"^Backbone 'my_eyes:broken' cannot be built: NameError: name 'undefined_name' is not defined "
            r"\(.*my_eyes\.py, line 29\); correct it\.$",
        ),
        ("syntax_eyes:f", 28, r"^Backbone 'syntax_eyes:f' cannot be built: SyntaxError: invalid syntax"),
        (
            "wrong",
            28,
            r"^Backbone 'my_eyes:wrong' returns a tensor \(batch, 3, 26, 26\) of torch\.float32; it must return "
            r"feature maps, a float32 tensor \(batch, 5, height, width\)\.$",
        ),
        ("coarse", 16, r"^Backbone 'my_eyes:coarse' cannot take images of 16 x 16 pixels \(RuntimeError: "),
        (
            "coarse",
            None,
            r"^Backbone 'my_eyes:coarse' cannot take images of 8 x 8 pixels \(.*\); --size keep requires a --backbone "
            r"that takes any image size\.$",
        ),
    ],
)
def test_a_backbone_that_cannot_be_used_is_one_sentence(
    module: Callable[[str], str], name: str, size: int | None, message: str
) -> None:
    named: Any = name if name == "resnet" else module(name)
    with pytest.raises(InputError, match=message) as raised:
        check_network(plan(named, size), TRAIN)
    assert "\n" not in str(raised.value)
