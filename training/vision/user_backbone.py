"""Imports a user's own backbone, tests it on an image, and reads its source for the fingerprint."""

import sys
import traceback
from pathlib import Path

import torch

from models.arrays import FloatArray
from models.image_network import ImageNetwork
from training.data.image_files import MIN_OWN_SIDE
from training.data.labeled_images import LabeledImages
from training.errors import InputError
from training.trainer.finite import first_not_finite
from training.vision.config import TrainConfig
from training.vision.fit import build_network


def make_importable(folder: Path) -> None:
    """Let Python find modules in a folder, as ``python -m`` does for the current one."""
    if str(folder) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(folder))


def check_network(config: TrainConfig, train: LabeledImages) -> ImageNetwork:
    """Build the network of a configuration; try it on the first image and, where sizes vary, on the smallest allowed.

    Raises:
        InputError: the backbone cannot be found or built, or cannot take such images.
    """
    network = _build(config, train.labels).eval()
    first = torch.from_numpy(train.images[0])[None]
    _try(network, first, "give another --backbone or another --size")
    if not network.pixels.resizes:
        least = torch.zeros(1, first.shape[1], MIN_OWN_SIDE, MIN_OWN_SIDE, dtype=torch.uint8)
        _try(network, least, "--size keep requires a --backbone that takes any image size")
    return network


def source_of(backbone: str) -> str:
    """The source of the module of a backbone ``package.module:factory``; empty for built-in backbones."""
    module = sys.modules.get(backbone.partition(":")[0]) if ":" in backbone else None
    file = getattr(module, "__file__", None)
    return Path(file).read_text(encoding="utf-8") if file else ""


def _build(config: TrainConfig, labels: FloatArray) -> ImageNetwork:
    try:
        return build_network(config, labels)
    except ValueError as error:
        raise InputError(str(error)) from error
    except Exception as error:  # a user's module may raise anything
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"Backbone '{_name(config)}' cannot be built: {_first_line(error)} ({at.filename}, line {at.lineno}); "
            f"correct it."
        ) from error


def _try(network: ImageNetwork, image: torch.Tensor, repair: str) -> None:
    try:
        with torch.no_grad():
            output = network(image)
    except Exception as error:
        height, width = network.pixels(image[:, :1]).shape[2:]
        raise InputError(
            f"Backbone '{network.config['backbone']}' cannot take images of {width} x {height} pixels "
            f"({_first_line(error)}); {repair}."
        ) from error
    if not output.isfinite().all():
        cause = first_not_finite(network.network.conv_model) or "its layers overflow"
        raise InputError(
            f"Backbone '{network.config['backbone']}' gives numbers that are not finite before any training, as "
            f"{cause}; correct it."
        )


def _name(config: TrainConfig) -> str:
    return str(config.network.get("backbone", "small"))


def _first_line(error: Exception) -> str:
    """The first line of an error's message, with its type."""
    first = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{type(error).__name__}: {first[:200]}"
