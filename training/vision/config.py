"""What is to be learned from pictures, and what came out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.image_network import PictureNetwork
from training.data.augment import Augment
from training.data.collate import Pictures

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """Pictures ``(channels, height, width)`` of any sizes, and their labels: class indices or values, ``(n,)``."""

    pictures: Pictures
    labels: Numbers


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
        epochs: passes over the training pictures, at most.
        network: keywords of ``PictureNetwork``.
        augment: varies every batch; before the contrast step, on pictures of 0..1.
        batch_size: pictures a step, at most.
        max_lr: the highest learning rate.
        averaging: decay of the moving average of the weights, see ``train_batches``.
        patience: epochs without improvement on the validation pictures after which training ends, see ``BestEpoch``.
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
    averaging: float = 0.0
    patience: int = 20
    device: str = "cpu"

    @property
    def task(self) -> str:
        return "regression" if self.classes is None else "classification"

    @property
    def votes(self) -> bool:
        """Whether places vote, see ``models.location_classifier``; then labels are whole numbers of 0 or more."""
        return self.network.get("pool") == "add-votes"


@dataclass(frozen=True)
class FittedPictures:
    """A fitted network, and the same CNN with a plain head.

    Args:
        network: with the head that was asked for.
        plain: with linear layers and ReLU in its place.
        metrics: errors by the name of the part that they were measured on.
        said: what the two answer to the pictures of each part, ``(n, outputs)`` each.
        notes: sentences on how training went.
    """

    network: PictureNetwork
    plain: PictureNetwork
    metrics: dict[str, dict[str, Any]]
    said: Mapping[str, tuple[Numbers, Numbers]] = field(default_factory=dict)
    notes: Sequence[str] = ()
