"""Fits CNNs with an arithmetic head to pictures, and measures them beside a plain head."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.image_network import PictureNetwork
from training.data.collate import Predict, predict_pictures
from training.metrics import classification_errors, predict, regression_errors
from training.trainer.checkpointing import CheckpointFolder
from training.vision.config import Examples as Examples
from training.vision.config import FittedPictures as FittedPictures
from training.vision.config import Numbers
from training.vision.config import PicturePlan as PicturePlan
from training.vision.export import export_pictures as export_pictures
from training.vision.export import parity_pictures as parity_pictures
from training.vision.train import train_picture_network

PLAIN_FEATURES = 32
"""That a plain head sees in the place of votes."""


def fit_pictures(
    plan: PicturePlan,
    train: Examples,
    tests: Mapping[str, Examples],
    *,
    validation: Examples | None = None,
    saved: CheckpointFolder | None = None,
) -> FittedPictures:
    """Train the network and, in the same way, the same CNN with a plain head; measure both on every test set.

    Args:
        plan: what to fit.
        train: the training pictures.
        tests: held-out pictures by name; ``"interpolation"`` and ``"extrapolation"`` go into the manifest.
        validation: pictures that choose the epoch whose weights are kept, and are measured too; None: the last
            epoch's are.
        saved: where both trainings are saved, and go on from if they were interrupted.
    """
    notes, networks = [], []
    for head in (plan.head_type, "plain"):
        torch.manual_seed(plan.seed)
        network = _plain(plan, train.labels) if head == "plain" else build_network(plan, train.labels)
        note = train_picture_network(network, plan, train, validation, f"{plan.name}: {head} head", saved)
        notes += [f"{head} head: {note}"] if note else []
        networks.append(network)
    parts = {**({"validation": validation} if validation else {}), **tests}
    said = {name: _said(networks, examples) for name, examples in parts.items()}
    metrics = {name: _errors_of_both(plan, said[name], examples.labels) for name, examples in parts.items()}
    return FittedPictures(networks[0], networks[1], metrics, said, notes)


def build_network(plan: PicturePlan, labels: Numbers) -> PictureNetwork:
    """The untrained network of a plan, for labels like these."""
    outputs = 1 if plan.classes is None else len(plan.classes)
    scale, shift = _scale_and_shift(plan, labels)
    return PictureNetwork(plan.task, outputs, plan.head_type, scale=scale, shift=shift, **plan.network)  # type: ignore[arg-type]


def measure(predict: Predict, classes: Sequence[str] | None, examples: Examples) -> dict[str, Any]:
    """Errors of a model on examples; for whole values also how often the rounded output is right.

    Args:
        predict: the model: a batch of pictures of one size to outputs ``(n, outputs)``.
        classes: the class names, or None for regression.
        examples: the pictures and their labels.
    """
    return errors_of(predict_pictures(predict, examples.pictures), classes, examples.labels)


def errors_of(said: Numbers, classes: Sequence[str] | None, labels: Numbers) -> dict[str, Any]:
    """Errors of outputs ``(n, outputs)``; see ``measure``."""
    if classes is not None:
        return classification_errors(said, labels.astype(np.int64))
    found = regression_errors(said[:, 0], labels)
    kept = {name: found[name] for name in ("rows", "mae", "rmse")}
    if np.array_equal(labels, np.rint(labels)):
        kept["rounded_accuracy"] = float((np.rint(said[:, 0]) == labels).mean())
    return kept


def _said(networks: Sequence[PictureNetwork], examples: Examples) -> tuple[Numbers, Numbers]:
    """What the two networks say of the same pictures, each of which is decoded once."""

    def both(group: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([predict(network, group) for network in networks], axis=1)

    ours, plain = np.split(predict_pictures(both, examples.pictures), 2, axis=1)
    return ours, plain


def _errors_of_both(plan: PicturePlan, said: tuple[Numbers, Numbers], labels: Numbers) -> dict[str, Any]:
    ours, plain = (errors_of(output, plan.classes, labels) for output in said)
    return {**ours, "plain_head": plain}


def _scale_and_shift(plan: PicturePlan, labels: Numbers) -> tuple[float, float]:
    """The spread of the values, and their mean where it is far from 0; only averages over places can use a shift.

    Votes are whole numbers as they are.
    """
    if plan.classes is not None or plan.votes:
        return 1.0, 0.0
    spread, mean = float(labels.std()), float(labels.mean())
    averaged = plan.network.get("pool", "average") in ("average", None)
    return spread, mean if averaged and abs(mean) > 3 * spread else 0.0


def _plain(plan: PicturePlan, labels: Numbers) -> PictureNetwork:
    """The same with linear layers in the head's place and ReLU between them; instead of votes, sums of features."""
    if plan.votes:
        plan = replace(plan, network={**plan.network, "pool": "sum", "hidden_dims": (PLAIN_FEATURES,)})
    network = build_network(plan, labels)
    widths = network.network.head.config["dims"]
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.ReLU()] * bool(layers) + [nn.Linear(n_in, n_out)]
    network.network.head = nn.Sequential(*layers)  # type: ignore[assignment]
    return network
