"""How the default models for pictures are made, from MNIST."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from models.image_network import PictureNetwork
from training.counting.scenes import Digits, canvases_of
from training.counting.totals import Total
from training.counting.train import build, mlp_head, train_total, training_canvases, with_head
from training.counting.views import views_of
from training.data.augment import vary_handwriting
from training.data.handwriting_augment import rewrite
from training.data.mnist import FOLDER, load_mnist
from training.metrics import predict
from training.vision.fit import Examples, FittedPictures, PicturePlan, export_pictures, fit_pictures, measure

TEST_CANVASES = 1000
BEYOND = 10
"""Digits of the canvases on which extrapolation is measured."""


@dataclass(frozen=True)
class DigitRecipe:
    """Reads one handwritten digit with a CNN and an arithmetic head.

    Interpolation is measured on MNIST's test pictures, extrapolation on the same as other files show them.
    """

    task: str
    head_type: str
    summary: str
    seed: int = 0
    epochs: int = 10

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:  # noqa: ARG002
        return self.export(self.fit(name), name, repository, command)

    def fit(self, name: str) -> FittedPictures:
        """Train the network, and the same CNN with a plain head, and measure both."""
        return fit_pictures(self._plan(name, ""), self._train(), self.tests())

    def export(self, fitted: FittedPictures, name: str, repository: Path, command: str) -> Path:
        """Write what was fitted as version 1."""
        return export_pictures(fitted, self._plan(name, command), self._train(), repository, version=1)

    def _train(self) -> Examples:
        pictures, labels, _, _ = load_mnist(FOLDER)
        return Examples(list(pictures[:, None]), labels.astype(np.float64))

    def _plan(self, name: str, command: str) -> PicturePlan:
        return PicturePlan(
            name=name,
            classes=[str(digit) for digit in range(10)] if self.task == "classification" else None,
            head_type=self.head_type,
            seed=self.seed,
            command=command,
            data="MNIST: its 60,000 training pictures",
            summary=self.summary,
            epochs=self.epochs,
            network={"contrast": "strokes"},
            augment=vary_handwriting,
            batch_size=128,
            averaging=0.995,
        )

    def tests(self) -> dict[str, Examples]:
        """What the model is measured on."""
        _, _, pictures, labels = load_mnist(FOLDER)
        as_is = Examples(list(pictures[:, None]), labels.astype(np.float64))
        return {"interpolation": as_is, "extrapolation": views_of(pictures, labels)}


@dataclass(frozen=True)
class TotalRecipe:
    """Tells a total of the digits in a picture, from totals of a few; measured on many.

    Interpolation is measured on as many digits as were trained on, extrapolation on ``BEYOND``; all are MNIST's test
    digits, which training never saw.

    Args:
        total: what is told.
        epochs: of ``training.counting.train.STEPS`` batches.
        seed: start of all random numbers.
    """

    total: Total
    epochs: int
    seed: int = 0

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:  # noqa: ARG002
        return self.export(self.fit(), name, repository, command)

    def fit(self) -> FittedPictures:
        """Train the network and an MLP head beside it, from the same votes, and measure both."""
        mlp = mlp_head(self.total.highest, self.seed)
        network = self.train({"MLP": mlp})
        plain = with_head(network, mlp)
        return FittedPictures(network, plain, self.errors(network, plain))

    def train(self, heads: Mapping[str, nn.Module]) -> PictureNetwork:
        """Train the network, and other heads from the same votes, in place."""
        return train_total(self.total, self.digits(), self.seed, self.epochs, heads)

    def digits(self) -> Digits:
        """MNIST's training digits that the total is of, as other hands would write them."""
        pictures, labels, _, _ = load_mnist(FOLDER)
        return Digits(pictures, labels, self.total.lowest_digit, rewrite)

    def errors(self, network: PictureNetwork, plain: PictureNetwork) -> dict[str, dict[str, Any]]:
        """What the manifest says of the network, and of the same with a plain head."""
        return {
            part: {**_errors(network, tests), "plain_head": _errors(plain, tests)}
            for part, tests in self.tests().items()
        }

    def export(self, fitted: FittedPictures, name: str, repository: Path, command: str) -> Path:
        """Write what was fitted as version 1."""
        plan = PicturePlan(
            name=name,
            classes=None,
            head_type=self.total.head_type,
            seed=self.seed,
            command=command,
            data=f"pictures of 0 to {self.total.trained} of MNIST's training digits, drawn anew for every step",
            summary=self.total.summary,
            epochs=self.epochs,
        )
        return export_pictures(fitted, plan, self.examples(), repository, version=1)

    def examples(self) -> Examples:
        """Some of the pictures that it is trained on, one with the largest total among them."""
        digits, random = self.digits(), np.random.default_rng(0)
        batches = training_canvases(self.total, digits, build(self.total).pixels, self.seed, self.epochs)
        drawn = batches.sample(TEST_CANVASES, random)
        nines = Digits(digits.pictures, digits.labels, lowest=9).draw(
            np.array([self.total.trained]), (2, 2), self.total.cells, random
        )
        return Examples([*drawn.pictures, *nines.pictures], np.append(drawn.labels, self.total.of(nines)))

    def tests(self) -> dict[str, Examples]:
        """What the model is measured on."""
        digits = test_digits(self.total)
        drawn = {
            count: canvases_of(digits, count, TEST_CANVASES, 0) for count in (*range(1, self.total.trained + 1), BEYOND)
        }
        within = [drawn[count] for count in range(1, self.total.trained + 1)]
        pictures = [picture for canvases in within for picture in canvases.pictures]
        inside = Examples(pictures, np.concatenate([self.total.of(canvases) for canvases in within]))
        return {
            "interpolation": inside,
            "extrapolation": Examples(list(drawn[BEYOND].pictures), self.total.of(drawn[BEYOND])),
        }


def _errors(network: PictureNetwork, tests: Examples) -> dict[str, Any]:
    return measure(partial(predict, network), None, tests)


def test_digits(total: Total) -> Digits:
    """MNIST's test digits that the total is of."""
    _, _, pictures, labels = load_mnist(FOLDER)
    return Digits(pictures, labels, total.lowest_digit)
