"""The user's own backbone: found, tried on an image, and told from another version of itself."""

import sys
import traceback
from pathlib import Path

import torch

from models.arrays import FloatArray
from models.image_network import ImageNetwork
from training.data.image_files import MIN_KEPT_SIDE
from training.data.labeled_images import LabeledImages
from training.errors import InputError
from training.vision.config import TrainConfig
from training.vision.fit import build_network


def make_importable(folder: Path) -> None:
    """Let Python find modules in a folder, as ``python -m`` does for the current one."""
    if str(folder) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(folder))


def check_network(plan: TrainConfig, train: LabeledImages) -> ImageNetwork:
    """Build the network of a plan and try it on the first image, and on the smallest that it will be served.

    Raises:
        InputError: the backbone cannot be found or built, or cannot take such images.
    """
    network = _build(plan, train.labels).eval()
    first = torch.from_numpy(train.images[0])[None]
    _try(network, first, "give another --backbone or another --size")
    if not network.pixels.resizes:
        least = torch.zeros(1, first.shape[1], MIN_KEPT_SIDE, MIN_KEPT_SIDE, dtype=torch.uint8)
        _try(network, least, "--size keep needs a --backbone that can, as images of any size will come")
    return network


def source_of(backbone: str) -> str:
    """The source of the module that a backbone ``package.module:factory`` comes from; empty for our own."""
    module = sys.modules.get(backbone.partition(":")[0]) if ":" in backbone else None
    file = getattr(module, "__file__", None)
    return Path(file).read_text(encoding="utf-8") if file else ""


def _build(plan: TrainConfig, labels: FloatArray) -> ImageNetwork:
    try:
        return build_network(plan, labels)
    except ValueError as error:
        raise InputError(str(error)) from error
    except Exception as error:  # a user's module may raise anything
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"Backbone '{_name(plan)}' cannot be built: {_first_line(error)} ({at.filename}, line {at.lineno}); "
            f"correct it."
        ) from error


def _try(network: ImageNetwork, image: torch.Tensor, repair: str) -> None:
    try:
        with torch.no_grad():
            network(image)
    except Exception as error:
        height, width = network.pixels(image[:, :1]).shape[2:]
        raise InputError(
            f"Backbone '{network.config['backbone']}' cannot take images of {width} x {height} pixels "
            f"({_first_line(error)}); {repair}."
        ) from error


def _name(plan: TrainConfig) -> str:
    return str(plan.network.get("backbone", "small"))


def _first_line(error: Exception) -> str:
    """The first line of what went wrong, with its kind."""
    first = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{type(error).__name__}: {first[:200]}"
