"""Backbones: the small CNNs that the default models use, and any other by the path of its factory."""

import importlib
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy


class Backbone(NamedTuple):
    """A CNN and the number of channels of the feature maps that it returns."""

    network: nn.Module
    op_channel: int


def small(in_channels: int) -> Backbone:
    """Five 3x3 convolutions of 16, 32, 64, 96 and 96 channels, the first three followed by halving the image.

    Each location of the feature map sees 54 x 54 pixels, so a 28 x 28 image is seen as a whole before it is pooled.
    For images of 8x8 pixels and more.
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


def local(in_channels: int) -> Backbone:
    """Four 3x3 convolutions of 16, 32, 64 and 96 channels, the first three followed by halving the image, and a 1x1.

    Each location of the feature map stands for 8 x 8 pixels and sees 38 x 38: enough to read one digit of up to 28
    pixels, and little of its neighbours. Made for pooling over locations. For images of any size.
    """
    network = nn.Sequential(
        *_block(in_channels, 16, halved=True),
        *_block(16, 32, halved=True),
        *_block(32, 64, halved=True),
        *_block(64, 96),
        *_block(96, 96, size=1),
    )
    return Backbone(network, 96)


def fine(in_channels: int) -> Backbone:
    """As ``local``, but each location stands for 4 x 4 pixels and sees 34 x 34: for things close to each other.

    Convolutions of 16, 32, 64, 64 and 64 channels, the first two followed by halving the image, the fourth dilated.
    """
    network = nn.Sequential(
        *_block(in_channels, 16, halved=True),
        *_block(16, 32, halved=True),
        *_block(32, 64),
        *_block(64, 64, dilation=2),
        *_block(64, 64, size=1),
    )
    return Backbone(network, 64)


def _block(
    in_channels: int, out_channels: int, *, size: int = 3, dilation: int = 1, halved: bool = False
) -> tuple[nn.Module, ...]:
    padding = dilation * (size // 2)
    convolution = nn.Conv2d(in_channels, out_channels, size, padding=padding, dilation=dilation, bias=False)
    pool = (nn.MaxPool2d(2, ceil_mode=True),) if halved else ()  # first, as what follows is then a quarter of the work
    return convolution, *pool, nn.BatchNorm2d(out_channels), nn.ReLU()


BACKBONES: dict[str, Callable[[int], Backbone]] = {"small": small, "local": local, "fine": fine}


def build_backbone(name: str, in_channels: int) -> Backbone:
    """Build a backbone for images of ``in_channels`` channels.

    Args:
        name: one of ``BACKBONES``, or ``"package.module:factory"``: a function of ``in_channels`` in a module that
            Python finds, which returns a ``Backbone`` or a module with an attribute ``op_channel``.
        in_channels: 1 for grey images, 3 for colour.

    Raises:
        ValueError: no backbone bears that name, the factory cannot be imported, or it makes something else.
    """
    if name in BACKBONES:
        return BACKBONES[name](in_channels)
    if ":" not in name:
        raise ValueError(f"Unknown backbone {name!r}. Available: {', '.join(BACKBONES)}, or package.module:factory.")
    made = _factory(name)(in_channels)
    if isinstance(made, Backbone):
        return made._replace(network=_uncompiled(made.network))
    made = _uncompiled(made) if isinstance(made, nn.Module) else made
    if isinstance(made, nn.Module) and isinstance(getattr(made, "op_channel", None), int):
        return Backbone(made, int(made.op_channel))  # type: ignore[arg-type]
    raise ValueError(
        f"Backbone {name!r} made a {type(made).__name__}; it must return a {Backbone.__module__}.Backbone, or a module "
        f"whose attribute op_channel is the number of channels of its feature maps."
    )


def initialize(backbone: nn.Module, image: Tensor) -> nn.Module:
    """The backbone in float32, whatever its factory chose, and with lazy modules initialised by a pass of an image."""
    backbone.float()
    if any(is_lazy(weight) for weight in chain(backbone.parameters(), backbone.buffers())):
        was_training = backbone.training
        with torch.no_grad():
            backbone.eval()(image)
        backbone.train(was_training)
    return backbone


def _uncompiled(module: nn.Module) -> nn.Module:
    """The module without ``torch.compile``, whose wrappers cannot be exported; what they wrap can."""
    inner: nn.Module = getattr(module, "_orig_mod", module)
    inner._compiled_call_impl = None  # of nn.Module.compile(), which wraps in place
    for name, child in list(inner._modules.items()):  # named_children() leaves out a second name of the same module
        plain = None if child is None else _uncompiled(child)
        if plain is not child:
            setattr(inner, name, plain)
    return inner


def _factory(path: str) -> Callable[[int], object]:
    module, _, attribute = path.partition(":")
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"Backbone {path!r} cannot be imported: {error}. Write package.module:factory.") from error
    if not callable(factory):
        raise ValueError(f"Backbone {path!r} is a {type(factory).__name__}, where a function of in_channels is needed.")
    made: Callable[[int], object] = factory
    return made
