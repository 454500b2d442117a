"""Totals of several digits: one run is one seed of one total, with every head, and a CNN as one would write it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.images.kinds import KINDS
from models import NAC, NALU
from models.head import Pool
from models.image_network import PictureNetwork
from training.counting.scenes import MNIST_FRAME, Digits, canvases_of
from training.counting.totals import PRODUCT, SUM, Total
from training.counting.train import AVERAGING, STEPS, mlp_head, training_canvases, with_head
from training.counting.views import as_file
from training.recipes.kinds.images import TotalRecipe, test_digits
from training.trainer.bf16 import BF16Network
from training.trainer.loop import train_batches
from training.vision.fit import FittedPictures
from training.vision.train import NORMS_HELD_FROM

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Plain:
    """How a CNN with an MLP is trained, as one would write it.

    Args:
        pool: of the features over the places.
        max_lr: highest learning rate. At 1e-2, summed features may die in training, and every answer is the same.
        norms_held: whether batch normalisation is held for the second half, see ``NORMS_HELD_FROM``.
    """

    pool: Pool
    max_lr: float
    norms_held: bool


PLAIN = {
    "CNN, sum, MLP": Plain("sum", 3e-3, norms_held=False),
    "CNN, sum, MLP, norms held": Plain("sum", 3e-3, norms_held=True),
    "CNN, average, MLP, norms held": Plain("average", 1e-2, norms_held=True),
}
MANY = 20
"""Digits of the pictures of several layouts and files."""
CLOSE = 0.01
"""A product counts as told if it is off by less than this share of itself; other totals, if they round to the truth."""


def run(recipe: TotalRecipe, folder: Path, canvases: int) -> dict[str, Any]:
    """Train, measure and export one seed; returns errors by head and number of digits, and the seconds it took."""
    total = recipe.total
    began = perf_counter()
    heads = {
        "MLP": mlp_head(total.highest, recipe.seed),
        "linear": nn.Linear(total.highest, 1),
        "NAC": NAC(total.highest, 1),
        "NALU": NALU(total.highest, 1),
    }
    network = recipe.train(heads)
    seconds = perf_counter() - began
    networks = {total.head_type: network, **{name: with_head(network, head) for name, head in heads.items()}}
    if total is SUM:
        networks |= {name: train_plain(recipe, name) for name in PLAIN}
    metrics = recipe.errors(network, networks["MLP"])
    fitted = FittedPictures(network, networks["MLP"], metrics)
    recipe.export(fitted, total.name, folder, f"python -m training zoo {total.name}")
    digits = test_digits(total)
    return {
        "seconds": seconds,
        "digits": measure(total, networks, digits, canvases),
        "layouts": layouts(total, network, digits, canvases // 5),
    }


def train_plain(recipe: TotalRecipe, name: str) -> PictureNetwork:
    """The same CNN and canvases, with pooled features, an MLP and the squared error of the total; see ``PLAIN``."""
    total, how = recipe.total, PLAIN[name]
    torch.manual_seed(recipe.seed)
    network = PictureNetwork(
        "regression", 1, "NAC", height=None, width=None, contrast="strokes", backbone=total.backbone, pool=how.pool
    )
    network.network.head = mlp_head(32, recipe.seed)  # type: ignore[assignment]
    batches = training_canvases(total, recipe.digits(), network.pixels, recipe.seed, recipe.epochs)
    network.scale = float(batches.sample(1000, np.random.default_rng(recipe.seed)).labels.std())

    def loss(output: Tensor, totals: Tensor) -> Tensor:
        return nn.functional.mse_loss(output[:, 0], totals / network.scale)

    train_batches(
        BF16Network(network.network),
        batches,
        epochs=recipe.epochs,
        steps=STEPS,
        max_lr=how.max_lr,
        averaging=AVERAGING,
        loss=loss,
        norms_held_from=ceil(NORMS_HELD_FROM * recipe.epochs) if how.norms_held else None,
        title=f"{total.name}: {name}",
    )
    return network.eval()


def measure(
    total: Total, networks: Mapping[str, PictureNetwork], digits: Digits, canvases: int
) -> dict[str, dict[str, dict[str, float]]]:
    """Errors of each network on canvases of each number of digits, of which the largest are fewer."""
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in networks}
    for count in total.tested:
        drawn = canvases_of(digits, count, max(canvases // max(1, count // 5), 50), 0)
        truth = total.of(drawn)
        for name, said in answers(networks, drawn.pictures).items():
            found[name][str(count)] = errors(said, truth, relative=total is PRODUCT)
    return found


def layouts(total: Total, network: PictureNetwork, digits: Digits, canvases: int) -> dict[str, dict[str, float]]:
    """Errors on ``MANY`` digits, by where they lie in the picture and what kind of file it is."""
    found = {}
    where = {
        "close": digits.scatter(MANY, canvases, np.random.default_rng(0)),
        "apart": digits.scatter(MANY, canvases, np.random.default_rng(0), MNIST_FRAME),
        "in a row": digits.in_a_row(MANY, canvases, np.random.default_rng(0)),
    }
    for layout, drawn in where.items():
        for kind, (inverted, file_format) in KINDS.items():
            files = np.stack(
                [as_file(255 - picture if inverted else picture, file_format) for picture in drawn.pictures[:, 0]]
            )
            [said] = answers({total.name: network}, files).values()
            found[f"{layout}, {kind}"] = errors(said, total.of(drawn), relative=total is PRODUCT)
    return found


def answers(networks: Mapping[str, PictureNetwork], pictures: NDArray[np.uint8]) -> dict[str, Numbers]:
    """What each network says; those that differ in their head alone have their CNN computed once."""
    first = next(iter(networks.values()))
    said: dict[str, list[Tensor]] = {name: [] for name in networks}
    with torch.no_grad():
        for part in torch.split(torch.from_numpy(pictures), max(1, 2**20 // pictures[0].size)):
            features = first.network.features(first.pixels(part))
            for name, network in networks.items():
                output = network(part) if name in PLAIN else network.network.head(features)
                said[name].append(output[:, 0])
    return {name: torch.cat(parts).double().numpy() for name, parts in said.items()}


def errors(said: Numbers, truth: Numbers, *, relative: bool) -> dict[str, float]:
    """Mean absolute error, bias and share of exact answers; relative: the median, and the share within ``CLOSE``."""
    error = np.abs(said - truth)
    if relative:
        share = error / np.maximum(np.abs(truth), 1)
        return {
            "pictures": len(truth),
            "median_relative_error": float(np.median(share)),
            "exact": float((share < CLOSE).mean()),
        }
    return {
        "pictures": len(truth),
        "mae": float(error.mean()),
        "bias": float((said - truth).mean()),
        "exact": float((np.rint(said) == truth).mean()),
    }
