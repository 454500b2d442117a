"""Recipes of the default models for images, trained on MNIST."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from models.image_network import ImageNetwork
from training.counting.aggregate_target import AggregateTarget
from training.counting.image_variants import variants_of
from training.counting.scene_sampling import Digits, draw_test_scenes
from training.counting.train import build_counting_network, mlp_head, train_counting_network, training_scenes, with_head
from training.data.augment import vary_handwriting
from training.data.handwriting_augment import augment_handwriting
from training.data.labeled_images import LabeledImages
from training.data.mnist import FOLDER, load_mnist
from training.metrics import predict
from training.vision.config import BASELINE_HEAD, FittedImageModel, TrainConfig
from training.vision.export import export_image_model
from training.vision.fit import fit_image_model, measure

TEST_SCENES = 1000
EXTRAPOLATION_COUNT = 10
"""Digits of the scenes on which extrapolation is measured."""


@dataclass(frozen=True)
class DigitRecipe:
    """Reads one handwritten digit with a CNN and an arithmetic head.

    Interpolation is measured on MNIST's test images, extrapolation on variants of them: sizes, inversion, JPEG.
    """

    task: str
    head_type: str
    summary: str
    seed: int = 0
    epochs: int = 10

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:  # noqa: ARG002
        return self.export(self.fit(name), name, repository, command)

    def fit(self, name: str) -> FittedImageModel:
        """Train the network, and the same CNN with a linear head, and measure both."""
        return fit_image_model(self._config(name, ""), self._train(), self.tests())

    def export(self, fitted: FittedImageModel, name: str, repository: Path, command: str) -> Path:
        """Export the fitted model as version 1."""
        return export_image_model(fitted, self._config(name, command), self._train(), repository, version=1)

    def _train(self) -> LabeledImages:
        images, labels, _, _ = load_mnist(FOLDER)
        return LabeledImages(list(images[:, None]), labels.astype(np.float64))

    def _config(self, name: str, command: str) -> TrainConfig:
        return TrainConfig(
            name=name,
            classes=[str(digit) for digit in range(10)] if self.task == "classification" else None,
            head_type=self.head_type,
            seed=self.seed,
            command=command,
            data="MNIST: its 60,000 training images",
            summary=self.summary,
            epochs=self.epochs,
            network={"contrast": "strokes"},
            augment=vary_handwriting,
            batch_size=128,
            ema_decay=0.995,
        )

    def tests(self) -> dict[str, LabeledImages]:
        """The test images, by part."""
        _, _, images, labels = load_mnist(FOLDER)
        as_is = LabeledImages(list(images[:, None]), labels.astype(np.float64))
        return {"interpolation": as_is, "extrapolation": variants_of(images, labels)}


@dataclass(frozen=True)
class AggregateRecipe:
    """Computes an aggregate of the digits in an image, learned from aggregates of a few, measured on many.

    Interpolation is measured on as many digits as were trained on, extrapolation on ``EXTRAPOLATION_COUNT``; all are
    MNIST's test digits, which are not trained on.

    Args:
        target: the aggregate.
        epochs: of ``training.counting.train.STEPS`` batches.
        seed: start of all random numbers.
    """

    target: AggregateTarget
    epochs: int
    seed: int = 0

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:  # noqa: ARG002
        return self.export(self.fit(), name, repository, command)

    def fit(self) -> FittedImageModel:
        """Train the network and an MLP head on the same locations, and measure both."""
        mlp = mlp_head(self.target.highest, self.seed)
        network = self.train({"MLP": mlp})
        baseline = with_head(network, mlp)
        return FittedImageModel(network, baseline, self.errors(network, baseline))

    def train(self, heads: Mapping[str, nn.Module]) -> ImageNetwork:
        """Train the network, and further heads, in place, on the same locations."""
        return train_counting_network(self.target, self.digits(), self.seed, self.epochs, heads)

    def digits(self) -> Digits:
        """MNIST's training digits used by the target, with handwriting augmentation."""
        images, labels, _, _ = load_mnist(FOLDER)
        return Digits(images, labels, self.target.lowest_digit, augment_handwriting)

    def errors(self, network: ImageNetwork, baseline: ImageNetwork) -> dict[str, dict[str, Any]]:
        """Errors of the network and of the MLP head, as in the manifest."""
        return {
            part: {**_errors(network, tests), BASELINE_HEAD: _errors(baseline, tests)}
            for part, tests in self.tests().items()
        }

    def export(self, fitted: FittedImageModel, name: str, repository: Path, command: str) -> Path:
        """Export the fitted model as version 1."""
        config = TrainConfig(
            name=name,
            classes=None,
            head_type=self.target.head_type,
            seed=self.seed,
            command=command,
            data=f"images of 0 to {self.target.max_train_count} of MNIST's training digits, drawn anew for every step",
            summary=self.target.summary,
            epochs=self.epochs,
        )
        return export_image_model(fitted, config, self.examples(), repository, version=1)

    def examples(self) -> LabeledImages:
        """A sample of the training images; one has the largest label of all."""
        digits, random = self.digits(), np.random.default_rng(0)
        batches = training_scenes(
            self.target, digits, build_counting_network(self.target).pixels, self.seed, self.epochs
        )
        drawn = batches.sample(TEST_SCENES, random)
        nines = Digits(digits.images, digits.labels, lowest=9).draw(
            np.array([self.target.max_train_count]), (2, 2), self.target.cell_sizes, random
        )
        return LabeledImages([*drawn.images, *nines.images], np.append(drawn.labels, self.target.label(nines)))

    def tests(self) -> dict[str, LabeledImages]:
        """The test images, by part."""
        digits = held_out_digits(self.target)
        drawn = {
            count: draw_test_scenes(digits, count, TEST_SCENES, 0)
            for count in (*range(1, self.target.max_train_count + 1), EXTRAPOLATION_COUNT)
        }
        within = [drawn[count] for count in range(1, self.target.max_train_count + 1)]
        images = [image for scenes in within for image in scenes.images]
        inside = LabeledImages(images, np.concatenate([self.target.label(scenes) for scenes in within]))
        return {
            "interpolation": inside,
            "extrapolation": LabeledImages(
                list(drawn[EXTRAPOLATION_COUNT].images), self.target.label(drawn[EXTRAPOLATION_COUNT])
            ),
        }


def _errors(network: ImageNetwork, tests: LabeledImages) -> dict[str, Any]:
    return measure(partial(predict, network), None, tests)


def held_out_digits(target: AggregateTarget) -> Digits:
    """MNIST's test digits used by the target."""
    _, _, images, labels = load_mnist(FOLDER)
    return Digits(images, labels, target.lowest_digit)
