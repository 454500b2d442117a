"""Checks a user's own backbone before it is trained: what training, export and serving need of it."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from models.image_network import ImageNetwork
from training.errors import InputError
from training.export.failure import describe

CLOSE = 1e-3
"""Largest difference of feature maps that count as equal, in units of their RMS."""
BATCH = 7


def check_backbone(network: ImageNetwork, other: ImageNetwork, images: Tensor, device: str) -> None:
    """Check that a backbone gives every image its own feature maps, and that it can be trained.

    Args:
        network: built with the backbone, in evaluation mode.
        other: built with it once more.
        images: at least two of one size, ``(batch, channels, height, width)``, uint8.
        device: that it will be trained on.

    Raises:
        InputError: it does not.
    """
    title, backbone = f"Backbone '{network.config['backbone']}'", network.network.conv_model
    if backbone is other.network.conv_model:
        raise InputError(f"{title} is the same module in every call; make a new one each time, as two are trained.")
    if any(isinstance(module, torch.jit.ScriptModule) for module in backbone.modules()):
        raise InputError(f"{title} is TorchScript, which cannot be exported to ONNX; return the module that it is of.")
    x = network.pixels(images)
    many = x[torch.arange(BATCH) % len(x)] * torch.linspace(0.5, 1, BATCH)[:, None, None, None]
    with torch.no_grad():
        maps, again, alone = _run(backbone, many, title), backbone(many), _run(backbone, many[2:3], title)
    check_maps(maps, network)
    if not _close(maps, again):
        raise InputError(
            f"{title} gives the same images other feature maps each time, in evaluation mode too; leave out there what "
            f"is random, as dropout(x, training=self.training) does."
        )
    if not _close(maps[2:3], alone):
        raise InputError(
            f"{title} gives an image other feature maps in a batch than alone, and the service batches images; "
            f"compute every image for itself, as batch normalisation does in evaluation mode."
        )
    _check_training(backbone, x[:2], device, title)


def check_maps(maps: object, network: ImageNetwork) -> None:
    """Check the form of a backbone's result.

    Raises:
        InputError: it is no feature maps with the promised number of channels.
    """
    channels, title = network.network.op_channel, f"Backbone '{network.config['backbone']}'"
    needed = f"it must return feature maps, a float32 tensor (batch, {channels}, height, width)"
    if not isinstance(maps, Tensor):
        raise InputError(f"{title} returns a {type(maps).__name__}; {needed}.")
    if maps.ndim != 4 or maps.shape[1] != channels or maps.dtype != torch.float32:
        shape = ", ".join(map(str, ("batch", *maps.shape[1:])))
        raise InputError(f"{title} returns a tensor ({shape}) of {maps.dtype}; {needed}.")


def _run(backbone: nn.Module, x: Tensor, title: str) -> Tensor:
    try:
        maps: Tensor = backbone(x)
    except Exception as error:  # a user's module may raise anything
        reason = describe(error, backbone, {"": "backbone"})
        raise InputError(f"{title} cannot take a batch of {len(x)} images; {reason}.") from error
    return maps


def _check_training(backbone: nn.Module, x: Tensor, device: str, title: str) -> None:
    """One forward and backward pass of a copy, as training makes copies too."""
    copy = backbone
    try:
        copy = deepcopy(backbone).to(device).train()
        maps = copy(x.to(device))
        if maps.requires_grad:
            maps.square().mean().backward()
    except Exception as error:
        reason = describe(error, copy, {"": "backbone"})
        raise InputError(f"{title} cannot be trained on {device}: {reason}.") from error


def _close(one: Tensor, other: Tensor) -> bool:
    size = one.square().mean().sqrt().clamp_min(1e-30)
    return one.shape == other.shape and bool((one - other).abs().max() <= CLOSE * size)
