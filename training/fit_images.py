"""Fits CNNs with an arithmetic head to pictures, measures them beside a plain head, and exports them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.manifest import CHANNELS
from models.picture import PictureNetwork
from training.evaluate import classification_errors, predict, regression_errors
from training.export import INPUT, OUTPUT, Export, packages, tensor, write_model
from training.loop import Augment, train_pictures

Pictures = Sequence[NDArray[np.uint8]]
Predict = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Examples:
    """Pictures ``(channels, height, width)`` of any sizes, and their labels: class indices or values, ``(n,)``."""

    pictures: Pictures
    labels: NDArray[np.float64]


@dataclass(frozen=True)
class PicturePlan:
    """What to fit and how the result is described.

    Args:
        name: the model's name.
        classes: the class names, or None for regression.
        head_type: the head's unit.
        seed: start of all random numbers.
        command: what makes the model again.
        data: where the pictures come from.
        summary: one line for people.
        epochs: passes over the training pictures.
        network: keywords of ``PictureNetwork``.
        augment: varies every batch; before the contrast step, on pictures of 0..1.
    """

    name: str
    classes: Sequence[str] | None
    head_type: str
    seed: int
    command: str
    data: str
    summary: str
    epochs: int
    network: Mapping[str, Any] = field(default_factory=dict)
    augment: Augment | None = None

    @property
    def task(self) -> str:
        return "regression" if self.classes is None else "classification"


@dataclass(frozen=True)
class FittedPictures:
    """A fitted network, and the same CNN with a plain head."""

    network: PictureNetwork
    plain: PictureNetwork
    metrics: dict[str, dict[str, Any]]


def fit_pictures(plan: PicturePlan, train: Examples, tests: Mapping[str, Examples]) -> FittedPictures:
    """Train the network and, in the same way, the same CNN with a plain head; measure both on every test set.

    Args:
        plan: what to fit.
        train: the training pictures.
        tests: held-out pictures by name; ``"interpolation"`` and ``"extrapolation"`` go into the manifest.
    """
    scale, shift = _scale_and_shift(plan, train.labels)
    torch.manual_seed(plan.seed)
    network = _train(_build(plan, scale, shift), plan, train, f"{plan.name}: {plan.head_type} head")
    torch.manual_seed(plan.seed)
    plain = _train(_with_plain_head(_build(plan, scale, shift)), plan, train, f"{plan.name}: plain head")
    metrics = {
        name: {
            **measure(partial(predict, network), plan.classes, examples),
            "plain_head": measure(partial(predict, plain), plan.classes, examples),
        }
        for name, examples in tests.items()
    }
    return FittedPictures(network, plain, metrics)


def measure(predict: Predict, classes: Sequence[str] | None, examples: Examples) -> dict[str, Any]:
    """Errors of a model on examples; for whole values also how often the rounded output is right.

    Args:
        predict: the model: a batch of pictures of one size to outputs ``(n, outputs)``.
        classes: the class names, or None for regression.
        examples: the pictures and their labels.
    """
    output, labels = predict_pictures(predict, examples.pictures), examples.labels
    if classes is not None:
        return classification_errors(output, labels.astype(np.int64))
    found = regression_errors(output[:, 0], labels)
    kept = {name: found[name] for name in ("rows", "mae", "rmse")}
    if np.array_equal(labels, np.rint(labels)):
        kept["rounded_accuracy"] = float((np.rint(output[:, 0]) == labels).mean())
    return kept


def predict_pictures(predict: Predict, pictures: Pictures) -> NDArray[np.float64]:
    """What a model says of each picture, ``(n, outputs)``; pictures of one size go together."""
    sizes = [picture.shape for picture in pictures]
    said: dict[int, NDArray[Any]] = {}
    for size in set(sizes):
        index = [i for i, other in enumerate(sizes) if other == size]
        said.update(zip(index, predict(np.stack([pictures[i] for i in index])), strict=True))
    return np.stack([said[i] for i in range(len(pictures))]).astype(np.float64)


def export_pictures(
    fitted: FittedPictures, plan: PicturePlan, train: Examples, repository: Path, *, version: int | None = None
) -> Path:
    """Write the fitted network to the repository; see ``training.export.write_model``."""
    network, config = fitted.network, fitted.network.config
    outputs = plan.classes if plan.classes is not None else ["value"]
    values = [] if plan.classes is not None else [(float(train.labels.min()), float(train.labels.max()))]
    manifest = {
        "task": f"image-{plan.task}",
        "summary": plan.summary,
        "inputs": [tensor(INPUT, "UINT8", [-1, CHANNELS[config["mode"]], -1, -1])],
        "outputs": [tensor(OUTPUT, "FP32", [-1, len(outputs)], outputs)],
        "classes": list(plan.classes) if plan.classes is not None else None,
        "image": {key: config[key] for key in ("mode", "height", "width")} | {"resize": True},
        "unit": config["head_type"],
        "dims": [*config["hidden_dims"], config["num_outputs"]],
        "formula": None,
        "latex": None,
        "training": {
            "ranges": values,
            "rows": len(train.pictures),
            "seed": plan.seed,
            "command": plan.command,
            "packages": packages(),
            "data": plan.data,
        },
        "metrics": fitted.metrics,
    }
    checks = parity_pictures(train.pictures, CHANNELS[config["mode"]])
    return write_model(Export(network, checks, manifest), repository, plan.name, version=version)


def parity_pictures(pictures: Pictures, channels: int) -> dict[str, NDArray[np.uint8]]:
    """Pictures to check exported files on: noise of an unusual size, some as they are, and the same inverted."""
    noise = np.random.default_rng(0).integers(0, 256, (2, channels, 37, 53), dtype=np.uint8)
    alike = np.stack([picture for picture in pictures if picture.shape == pictures[0].shape][:16])
    return {"unusual": noise, "training": alike, "inverted": 255 - alike}


def _scale_and_shift(plan: PicturePlan, labels: NDArray[np.float64]) -> tuple[float, float]:
    """The spread of the values, and their mean where it is far from 0; sums over places cannot use a shift."""
    if plan.classes is not None:
        return 1.0, 0.0
    spread, mean = float(labels.std()), float(labels.mean())
    return spread, mean if abs(mean) > 3 * spread and plan.network.get("pool") != "sum" else 0.0


def _build(plan: PicturePlan, scale: float, shift: float) -> PictureNetwork:
    outputs = 1 if plan.classes is None else len(plan.classes)
    return PictureNetwork(plan.task, outputs, plan.head_type, scale=scale, shift=shift, **plan.network)  # type: ignore[arg-type]


def _with_plain_head(network: PictureNetwork) -> PictureNetwork:
    """Put linear layers with ReLU between them in the head's place, of the same widths."""
    widths = network.network.head.config["dims"]
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.ReLU()] * bool(layers) + [nn.Linear(n_in, n_out)]
    network.network.head = nn.Sequential(*layers)  # type: ignore[assignment]
    return network


def _train(network: PictureNetwork, plan: PicturePlan, train: Examples, title: str) -> PictureNetwork:
    pixels = network.pixels
    labels = torch.from_numpy(train.labels)
    labels = ((labels - network.shift) / network.scale).float() if plan.classes is None else labels.long()
    augment: Callable[[Tensor], Tensor] = plan.augment or (lambda pictures: pictures)
    train_pictures(
        network.network,
        torch.cat([pixels.resize(torch.from_numpy(picture)[None]) for picture in train.pictures]),
        labels,
        augment=lambda pictures: pixels.adjust(augment(pictures)),
        epochs=plan.epochs,
        title=title,
    )
    return network.eval()
