"""The small CNNs that the default models use as backbones."""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn


class Backbone(NamedTuple):
    """A CNN and the number of channels of the feature maps that it returns."""

    network: nn.Module
    op_channel: int


def small(in_channels: int) -> Backbone:
    """Five 3x3 convolutions of 16, 32, 64, 96 and 96 channels, the first three followed by halving the picture.

    Each place of the feature map sees 54 x 54 pixels, so a 28 x 28 picture is seen as a whole before it is pooled.
    For pictures of 8x8 pixels and more.
    """
    network = nn.Sequential(
        *_block(in_channels, 16),
        nn.MaxPool2d(2),
        *_block(16, 32),
        nn.MaxPool2d(2),
        *_block(32, 64),
        nn.MaxPool2d(2),
        *_block(64, 96),
        *_block(96, 96),
    )
    return Backbone(network, 96)


def _block(in_channels: int, out_channels: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(out_channels), nn.ReLU()


BACKBONES: dict[str, Callable[[int], Backbone]] = {"small": small}


def build_backbone(name: str, in_channels: int) -> Backbone:
    """Build the named backbone for pictures of ``in_channels`` channels.

    Raises:
        ValueError: no backbone bears that name.
    """
    if name not in BACKBONES:
        raise ValueError(f"Unknown backbone {name!r}. Available: {', '.join(BACKBONES)}.")
    return BACKBONES[name](in_channels)
