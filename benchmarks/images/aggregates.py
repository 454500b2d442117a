"""Aggregates of several digits: one run is one seed of one aggregate, with every head, and CNN baselines."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.images.file_kinds import FILE_KINDS
from models import NAC, NALU
from models.arrays import ByteArray, FloatArray
from models.head import Pool
from models.image_network import ImageNetwork
from training.counting.aggregate_target import PRODUCT, SUM, AggregateTarget
from training.counting.image_variants import as_file
from training.counting.scene_sampling import MNIST_FRAME, Digits, draw_test_scenes
from training.counting.train import EMA_DECAY, STEPS, mlp_head, training_scenes, with_head
from training.recipes.base.images import AggregateRecipe, held_out_digits
from training.trainer.bf16 import BF16Network
from training.trainer.loop import LoopConfig, train_batches
from training.trainer.state import adamw_one_cycle
from training.vision.config import FittedImageModel
from training.vision.train import FREEZE_BATCH_NORM_FROM


@dataclass(frozen=True)
class CnnBaseline:
    """How a CNN with an MLP is trained, without any of this project's means.

    Args:
        pool: of the features over the locations.
        max_lr: highest learning rate. At 1e-2, summed features may die in training, and every output is the same.
        freeze_batch_norm: whether batch normalisation is frozen for the second half, see ``FREEZE_BATCH_NORM_FROM``.
    """

    pool: Pool
    max_lr: float
    freeze_batch_norm: bool


CNN_BASELINES = {
    "CNN, sum, MLP": CnnBaseline("sum", 3e-3, freeze_batch_norm=False),
    "CNN, sum, MLP, frozen batch norm": CnnBaseline("sum", 3e-3, freeze_batch_norm=True),
    "CNN, average, MLP, frozen batch norm": CnnBaseline("average", 1e-2, freeze_batch_norm=True),
}
MANY = 20
"""Digits of the images of several layouts and files."""
CLOSE = 0.01
"""Largest relative error of an exact product; other totals are exact where they round to the truth."""


def run(recipe: AggregateRecipe, folder: Path, scenes: int) -> dict[str, Any]:
    """Train, measure and export one seed; returns errors by head and number of digits, and the seconds it took."""
    target = recipe.target
    began = perf_counter()
    heads = {
        "MLP": mlp_head(target.highest, recipe.seed),
        "linear": nn.Linear(target.highest, 1),
        "NAC": NAC(target.highest, 1),
        "NALU": NALU(target.highest, 1),
    }
    network = recipe.train(heads)
    seconds = perf_counter() - began
    networks = {target.head_type: network, **{name: with_head(network, head) for name, head in heads.items()}}
    if target is SUM:
        networks |= {name: train_cnn_baseline(recipe, name) for name in CNN_BASELINES}
    metrics = recipe.errors(network, networks["MLP"])
    fitted = FittedImageModel(network, networks["MLP"], metrics)
    recipe.export(fitted, target.name, folder, f"python -m training zoo {target.name}")
    digits = held_out_digits(target)
    return {
        "seconds": seconds,
        "digits": measure(target, networks, digits, scenes),
        "layouts": layouts(target, network, digits, scenes // 5),
    }


def train_cnn_baseline(recipe: AggregateRecipe, name: str) -> ImageNetwork:
    """The same CNN and scenes, with pooled features, an MLP and the squared error; see ``CNN_BASELINES``."""
    target, how = recipe.target, CNN_BASELINES[name]
    torch.manual_seed(recipe.seed)
    network = ImageNetwork(
        "regression", 1, "NAC", height=None, width=None, contrast="strokes", backbone=target.backbone, pool=how.pool
    )
    network.network.head = mlp_head(32, recipe.seed)  # type: ignore[assignment]
    batches = training_scenes(target, recipe.digits(), network.pixels, recipe.seed, recipe.epochs)
    network.scale = float(batches.sample(1000, np.random.default_rng(recipe.seed)).labels.std())

    def loss(output: Tensor, totals: Tensor) -> Tensor:
        return nn.functional.mse_loss(output[:, 0], totals / network.scale)

    config = LoopConfig(
        recipe.epochs,
        STEPS,
        freeze_batch_norm_from=ceil(FREEZE_BATCH_NORM_FROM * recipe.epochs) if how.freeze_batch_norm else None,
        title=f"{target.name}: {name}",
    )
    steps = config.epochs * config.steps
    state = adamw_one_cycle(BF16Network(network.network), steps, max_lr=how.max_lr, loss=loss, ema_decay=EMA_DECAY)
    train_batches(state, batches, config)
    return network.eval()


def measure(
    target: AggregateTarget, networks: Mapping[str, ImageNetwork], digits: Digits, scenes: int
) -> dict[str, dict[str, dict[str, float]]]:
    """Errors of each network on scenes of each number of digits, of which the largest are fewer."""
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in networks}
    for count in target.test_counts:
        drawn = draw_test_scenes(digits, count, max(scenes // max(1, count // 5), 50), 0)
        truth = target.label(drawn)
        for name, predictions in predict_all(networks, drawn.images).items():
            found[name][str(count)] = errors(predictions, truth, relative=target is PRODUCT)
    return found


def layouts(target: AggregateTarget, network: ImageNetwork, digits: Digits, scenes: int) -> dict[str, dict[str, float]]:
    """Errors on ``MANY`` digits, by layout and file format."""
    found = {}
    where = {
        "close": digits.place_randomly(MANY, scenes, np.random.default_rng(0)),
        "apart": digits.place_randomly(MANY, scenes, np.random.default_rng(0), MNIST_FRAME),
        "in a row": digits.place_in_a_row(MANY, scenes, np.random.default_rng(0)),
    }
    for layout, drawn in where.items():
        for kind, (inverted, file_format) in FILE_KINDS.items():
            files = np.stack([as_file(255 - image if inverted else image, file_format) for image in drawn.images[:, 0]])
            [predictions] = predict_all({target.name: network}, files).values()
            found[f"{layout}, {kind}"] = errors(predictions, target.label(drawn), relative=target is PRODUCT)
    return found


def predict_all(networks: Mapping[str, ImageNetwork], images: ByteArray) -> dict[str, FloatArray]:
    """Predictions of each network; networks that differ only in their head share one pass of the CNN."""
    first = next(iter(networks.values()))
    predictions: dict[str, list[Tensor]] = {name: [] for name in networks}
    with torch.no_grad():
        for part in torch.split(torch.from_numpy(images), max(1, 2**20 // images[0].size)):
            features = first.network.features(first.pixels(part))
            for name, network in networks.items():
                output = network(part) if name in CNN_BASELINES else network.network.head(features)
                predictions[name].append(output[:, 0])
    return {name: torch.cat(parts).double().numpy() for name, parts in predictions.items()}


def errors(predictions: FloatArray, truth: FloatArray, *, relative: bool) -> dict[str, float]:
    """Mean absolute error, bias and share of exact answers; relative: the median, and the share within ``CLOSE``."""
    error = np.abs(predictions - truth)
    if relative:
        share = error / np.maximum(np.abs(truth), 1)
        return {
            "images": len(truth),
            "median_relative_error": float(np.median(share)),
            "exact": float((share < CLOSE).mean()),
        }
    return {
        "images": len(truth),
        "mae": float(error.mean()),
        "bias": float((predictions - truth).mean()),
        "exact": float((np.rint(predictions) == truth).mean()),
    }
