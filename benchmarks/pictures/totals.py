"""Totals of several digits: one run is one seed of one total, with every head, and a CNN as one would write it."""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models import NAC, NALU
from models.head import Pool
from models.picture import PictureNetwork
from training.digits.canvases import Digits, TrainingCanvases, canvases_of
from training.digits.recipes import TotalRecipe, test_digits, training_digits
from training.digits.totals import PRODUCT, SUM, Total
from training.digits.train import AVERAGING, BATCH_SIZE, STEPS, mlp_head, train_total, with_head
from training.fit_images import FittedPictures
from training.loop import train_batches
from training.mixed import Mixed
from training.train_pictures import NORMS_HELD_FROM

Numbers = NDArray[np.float64]

PLAIN = {"sum": "CNN, sum, MLP", "average": "CNN, average, MLP"}
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
    network = train_total(total, training_digits(total), recipe.seed, recipe.epochs, heads)
    seconds = perf_counter() - began
    networks = {total.head_type: network, **{name: with_head(network, head) for name, head in heads.items()}}
    for pool in plain_pools(recipe):
        networks[PLAIN[pool]] = plain(recipe, pool)
    metrics = recipe.errors(network, networks["MLP"])
    fitted = FittedPictures(network, networks["MLP"], metrics)
    recipe.export(fitted, total.name, folder, f"python -m training zoo {total.name}")
    return {"seconds": seconds, "digits": measure(total, networks, test_digits(total), canvases)}


def plain_pools(recipe: TotalRecipe) -> list[Pool]:
    """What is trained as one would write it: for the sum with every seed, for others with the first."""
    pools: list[Pool] = ["sum"] if recipe.total is SUM else []
    return [*pools, "average"] if recipe.seed == 0 else pools


def plain(recipe: TotalRecipe, pool: Pool) -> PictureNetwork:
    """The same CNN and canvases, with pooled features, an MLP and the squared error of the total."""
    total = recipe.total
    torch.manual_seed(recipe.seed)
    network = PictureNetwork(
        "regression", 1, "NAC", height=None, width=None, contrast="strokes", backbone="local", pool=pool
    )
    network.network.head = mlp_head(32, recipe.seed)  # type: ignore[assignment]
    batches = TrainingCanvases(
        total,
        training_digits(total),
        network.pixels,
        epochs=recipe.epochs,
        steps=STEPS,
        batch_size=BATCH_SIZE,
        seed=recipe.seed,
    )
    sample = batches.draw(1000, (2, 2), np.random.default_rng(recipe.seed))
    network.scale = float(total.of(sample).std())

    def loss(output: Tensor, totals: Tensor) -> Tensor:
        return nn.functional.mse_loss(output[:, 0], totals / network.scale)

    train_batches(
        Mixed(network.network),
        batches,
        epochs=recipe.epochs,
        steps=STEPS,
        averaging=AVERAGING,
        loss=loss,
        norms_held_from=ceil(NORMS_HELD_FROM * recipe.epochs),
        title=f"{total.name}: {PLAIN[pool]}",
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
            found[name][str(count)] = errors(said, truth, relative=total.name == PRODUCT.name)
    return found


def answers(networks: Mapping[str, PictureNetwork], pictures: NDArray[np.uint8]) -> dict[str, Numbers]:
    """What each network says; those that differ in their head alone have their CNN computed once."""
    first = next(iter(networks.values()))
    alone = [name for name in networks if name in PLAIN.values()]
    said: dict[str, list[Tensor]] = {name: [] for name in networks}
    with torch.no_grad():
        for part in torch.split(torch.from_numpy(pictures), max(1, 2**20 // pictures[0].size)):
            features = first.network.features(first.pixels(part))
            for name, network in networks.items():
                output = network(part) if name in alone else network.network.head(features)
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
