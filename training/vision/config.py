"""Configuration of a training on images, and its result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.arrays import FloatArray
from models.image_network import ImageNetwork
from training.data.augment import Augment

BASELINE_HEAD = "plain_head"  # alias: the key in manifests of the baseline's errors, as written since version 0.1


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training, and the description of the result in its manifest.

    Args:
        name: the model's name.
        classes: the class names, or None for regression.
        head_type: the head's unit.
        seed: start of all random numbers.
        command: the command that trains the model again.
        data: where the images come from.
        summary: one line for the manifest.
        epochs: passes over the training images, at most.
        network: keywords of ``ImageNetwork``.
        augment: applied to every batch, on images of 0..1 before the contrast step.
        batch_size: most images of a step.
        max_lr: the highest learning rate.
        ema_decay: decay of the moving average of the weights, see ``TrainingState``.
        patience: epochs without improvement on the validation images before training stops, see ``BestEpoch``.
        device: where it is trained, ``"cpu"`` or ``"cuda"``.
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
    batch_size: int = 32
    max_lr: float = 1e-2
    ema_decay: float = 0.0
    patience: int = 20
    device: str = "cpu"

    @property
    def task(self) -> str:
        return "regression" if self.classes is None else "classification"

    @property
    def counting(self) -> bool:
        """Whether it has a counting head; then labels are whole numbers of 0 or more."""
        return self.network.get("pool") == "count"


@dataclass(frozen=True)
class FittedImageModel:
    """A fitted network, and the same CNN with a linear head as baseline.

    Args:
        network: with the head that was asked for.
        baseline: the same CNN with linear layers and ReLU in its place; None where its training diverged.
        metrics: errors by the name of the part that they are measured on.
        predictions: of both, or of the network alone, for the images of each part, ``(n, outputs)``.
        notes: sentences about the training.
    """

    network: ImageNetwork
    baseline: ImageNetwork | None
    metrics: dict[str, dict[str, Any]]
    predictions: Mapping[str, Sequence[FloatArray]] = field(default_factory=dict)
    notes: Sequence[str] = ()
