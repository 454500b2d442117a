"""Imports a user's own backbone, tests it on an image, and reads its source for the fingerprint."""

import sys
import traceback
from pathlib import Path

import numpy as np
import torch

from models.arrays import ByteArray, FloatArray
from models.image_network import ImageNetwork
from training.data.image_files import MIN_OWN_SIDE
from training.data.labeled_images import Images, LabeledImages
from training.errors import InputError
from training.export.dry_run import check_export
from training.export.failure import first_line
from training.trainer.finite import first_not_finite
from training.vision.backbone_check import check_backbone, check_maps
from training.vision.config import TrainConfig
from training.vision.export import parity_images
from training.vision.fit import build_network

SHOWN = {"": "network", "network.conv_model": "backbone", "network.project": "projection", "network.head": "head"}
"""What messages call the parts of an ``ImageNetwork``."""


def make_importable(folder: Path) -> None:
    """Let Python find modules in a folder, as ``python -m`` does for the current one."""
    if str(folder) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(folder))


def check_network(config: TrainConfig, train: LabeledImages) -> ImageNetwork:
    """Build the network of a configuration; try it on the first images and, where sizes vary, on the smallest allowed.

    Then its export is tried.

    Raises:
        InputError: the backbone cannot be found, built, trained or exported, or cannot take such images.
    """
    network = _build(config, train.labels).eval()
    first = torch.from_numpy(train.images[0])[None]
    _try(network, first, "give another --backbone or another --size")
    if not network.pixels.resizes:
        least = torch.zeros(1, first.shape[1], MIN_OWN_SIDE, MIN_OWN_SIDE, dtype=torch.uint8)
        _try(network, least, "--size keep requires a --backbone that takes any image size")
    inputs = _parity_inputs(train.images, first.shape[1])
    if is_own(_name(config)):
        check_backbone(network, _build(config, train.labels), torch.from_numpy(inputs["training"]), config.device)
    title = f"Backbone '{_name(config)}'" if is_own(_name(config)) else "The network"
    check_export(network.requires_grad_(requires_grad=False), inputs, title, SHOWN)
    return network


def is_own(backbone: str) -> bool:
    """Whether a backbone's name is that of a user's factory, ``package.module:factory``."""
    return ":" in backbone


def source_of(backbone: str) -> str:
    """The source of the module of a backbone ``package.module:factory``; empty for built-in backbones."""
    module = sys.modules.get(backbone.partition(":")[0]) if is_own(backbone) else None
    file = getattr(module, "__file__", None)
    return Path(file).read_text(encoding="utf-8") if file else ""


def _parity_inputs(images: Images, channels: int) -> dict[str, ByteArray]:
    """What an export is compared on: images of any contrast, size and number."""
    inputs = parity_images(images, channels)
    noise = inputs["unusual"]
    many = np.random.default_rng(1).integers(0, 256, (7, channels, 41, 29), dtype=np.uint8)
    return {**inputs, "dark": noise // 8, "light": 255 - noise // 8, "one image": noise[:1], "seven images": many}


def _build(config: TrainConfig, labels: FloatArray) -> ImageNetwork:
    try:
        return build_network(config, labels)
    except ValueError as error:
        raise InputError(str(error)) from error
    except Exception as error:  # a user's module may raise anything
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"Backbone '{_name(config)}' cannot be built: {first_line(error)} ({at.filename}, line {at.lineno}); "
            f"correct it."
        ) from error


def _try(network: ImageNetwork, image: torch.Tensor, repair: str) -> None:
    try:
        with torch.no_grad():
            check_maps(network.network.conv_model(network.pixels(image)), network)
            output = network(image)
    except InputError:
        raise
    except Exception as error:
        height, width = network.pixels(image[:, :1]).shape[2:]
        raise InputError(
            f"Backbone '{network.config['backbone']}' cannot take images of {width} x {height} pixels "
            f"({first_line(error)}); {repair}."
        ) from error
    if not output.isfinite().all():
        cause = first_not_finite(network.network.conv_model) or "its layers overflow"
        raise InputError(
            f"Backbone '{network.config['backbone']}' gives numbers that are not finite before any training, as "
            f"{cause}; correct it."
        )


def _name(config: TrainConfig) -> str:
    return str(config.network.get("backbone", "small"))
