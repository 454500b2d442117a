"""Fits CNNs with an arithmetic head to images, and measures them beside a linear head."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.arrays import FloatArray, Predict
from models.image_network import ImageNetwork
from training.data.collate import predict_images
from training.data.labeled_images import LabeledImages
from training.errors import DivergedError
from training.metrics import classification_errors, predict, regression_errors
from training.trainer.checkpointing import CheckpointFolder
from training.vision.config import BASELINE_HEAD, FittedImageModel, TrainConfig
from training.vision.train import repair, train_image_network

BASELINE_FEATURES = 32
"""Features that the linear head sees in place of per-location classes."""


def fit_image_model(
    config: TrainConfig,
    train: LabeledImages,
    tests: Mapping[str, LabeledImages],
    *,
    validation: LabeledImages | None = None,
    checkpoints: CheckpointFolder | None = None,
) -> FittedImageModel:
    """Train the network and, in the same way, the same CNN with a linear head; measure both on every test set.

    Args:
        config: what to train.
        train: the training images.
        tests: held-out images by name; ``"interpolation"`` and ``"extrapolation"`` go into the manifest.
        validation: images that select the best epoch, and are measured too; None: the last epoch's weights
            are retained.
        checkpoints: where both trainings are saved, and resumed from after an interruption.

    Raises:
        DivergedError: the network's training diverged; where that of the linear head did, there is no comparison.
    """
    notes: list[str] = []
    networks: list[ImageNetwork] = []
    for head in (config.head_type, "linear"):
        torch.manual_seed(config.seed)
        network = _baseline(config, train.labels) if head == "linear" else build_network(config, train.labels)
        try:
            note = train_image_network(network, config, train, validation, f"{config.name}: {head} head", checkpoints)
        except DivergedError as error:
            if not networks:
                raise
            notes.append(f"No comparison with a linear head: {error}")
            break
        notes += [f"{head} head: {note}"] if note else []
        networks.append(network)
    parts = {**({"validation": validation} if validation else {}), **tests}
    predictions = {name: _predict_all(networks, examples) for name, examples in parts.items()}
    _check_predictions(config, predictions)
    metrics = {name: _errors_of_all(config, predictions[name], examples.labels) for name, examples in parts.items()}
    return FittedImageModel(networks[0], networks[1] if networks[1:] else None, metrics, predictions, notes)


def _check_predictions(config: TrainConfig, predictions: Mapping[str, Sequence[FloatArray]]) -> None:
    """Raise DivergedError where the network gives finite numbers for none of the held-out images."""
    if not any(np.isfinite(outputs[0]).all(1).any() for outputs in predictions.values()):
        raise DivergedError(f"{config.name}: no held-out image gives a finite number; {repair(config)}.")


def build_network(config: TrainConfig, labels: FloatArray) -> ImageNetwork:
    """The untrained network of a configuration, scaled to these labels."""
    outputs = 1 if config.classes is None else len(config.classes)
    scale, shift = _scale_and_shift(config, labels)
    return ImageNetwork(config.task, outputs, config.head_type, scale=scale, shift=shift, **config.network)  # type: ignore[arg-type]


def measure(predict: Predict, classes: Sequence[str] | None, examples: LabeledImages) -> dict[str, Any]:
    """Errors of a model on examples; for whole values also the accuracy of the rounded output.

    Args:
        predict: the model: a batch of images of one size to outputs ``(n, outputs)``.
        classes: the class names, or None for regression.
        examples: the images and their labels.
    """
    return errors_of(predict_images(predict, examples.images), classes, examples.labels)


def errors_of(predictions: FloatArray, classes: Sequence[str] | None, labels: FloatArray) -> dict[str, Any]:
    """Errors of outputs ``(n, outputs)``; see ``measure``."""
    if classes is not None:
        return classification_errors(predictions, labels.astype(np.int64))
    found = regression_errors(predictions[:, 0], labels)
    errors: dict[str, Any] = {name: found[name] for name in ("rows", "mae", "rmse") if name in found}
    if len(labels) and np.array_equal(labels, np.rint(labels)):
        errors["rounded_accuracy"] = float((np.rint(predictions[:, 0]) == labels).mean())
    return errors


def _predict_all(networks: Sequence[ImageNetwork], examples: LabeledImages) -> list[FloatArray]:
    """Predictions of the networks for the same images, each decoded once."""

    def predictions(group: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([predict(network, group) for network in networks], axis=1)

    return np.split(predict_images(predictions, examples.images), len(networks), axis=1)


def _errors_of_all(config: TrainConfig, predictions: Sequence[FloatArray], labels: FloatArray) -> dict[str, Any]:
    ours, *baseline = (errors_of(output, config.classes, labels) for output in predictions)
    return {**ours, **dict(zip([BASELINE_HEAD], baseline, strict=False))}


def _scale_and_shift(config: TrainConfig, labels: FloatArray) -> tuple[float, float]:
    """The spread of the values, and their mean where it is far from 0; only averages over locations can use a shift.

    LocationClassifier are whole numbers as they are.
    """
    if config.classes is not None or config.counting:
        return 1.0, 0.0
    spread, mean = float(labels.std()), float(labels.mean())
    averaged = config.network.get("pool", "average") in ("average", None)
    return spread, mean if averaged and abs(mean) > 3 * spread else 0.0


def _baseline(config: TrainConfig, labels: FloatArray) -> ImageNetwork:
    """The same CNN with linear layers and ReLU as head; in place of per-location classes, sums of features."""
    if config.counting:
        config = replace(config, network={**config.network, "pool": "sum", "hidden_dims": (BASELINE_FEATURES,)})
    network = build_network(config, labels)
    widths = network.network.head.config["dims"]
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.ReLU()] * bool(layers) + [nn.Linear(n_in, n_out)]
    network.network.head = nn.Sequential(*layers)  # type: ignore[assignment]
    return network
