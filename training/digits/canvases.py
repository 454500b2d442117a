"""Canvases to train and to test totals on, drawn from single digits."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.pixels import Pixels
from training.data.canvas import Canvases, draw_canvases, grid
from training.digits.totals import Total
from training.loop import Batch

Bytes = NDArray[np.uint8]

SCALE = (0.75, 1.0)
"""Sizes of a digit, as a share of MNIST's: 15 to 20 pixels tall."""
SINGLES = 0.2
"""Share of the training, its first part, in which a picture holds one digit at most: reading comes before adding."""
EMPTY = 0.08
"""Share of the training canvases that hold nothing."""
SHAPES = ((1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (2, 2), (2, 3))
"""Grids of the training canvases, each as often; of several shapes, so that emptiness is learned as well."""


class Digits:
    """Single digits that canvases are drawn from.

    Shape:
        pictures: ``(n, 28, 28)``, uint8, light on black. labels: ``(n,)``, 0 to 9.
    """

    def __init__(self, pictures: Bytes, labels: Bytes, lowest: int = 0) -> None:
        used = labels >= lowest
        self.pictures, self.labels = pictures[used], labels[used]

    def draw(self, counts: NDArray[np.integer], shape: tuple[int, int], random: np.random.Generator) -> Canvases:
        """Canvases of one grid shape that hold so many digits each."""
        return draw_canvases(self.pictures, self.labels, counts, shape, random, scale=SCALE)


class TrainingCanvases:
    """Fresh canvases for every batch; an epoch's follow from the seed and its number alone.

    Args:
        total: what is to be told of them.
        digits: what they are drawn from.
        pixels: the network's preprocessing.
        epochs: of the whole training.
        steps: batches of an epoch.
        batch_size: canvases of a batch; of single digits, twice as many.
        seed: start of all random numbers.
    """

    def __init__(
        self, total: Total, digits: Digits, pixels: Pixels, *, epochs: int, steps: int, batch_size: int, seed: int
    ) -> None:
        self.total, self.digits, self.pixels = total, digits, pixels
        self.epochs, self.steps, self.batch_size, self.seed = epochs, steps, batch_size, seed

    def __call__(self, epoch: int) -> Iterator[Batch]:
        random = np.random.default_rng([self.seed, epoch])
        for _ in range(self.steps):
            alone = epoch < SINGLES * self.epochs
            shape = SHAPES[0] if alone else SHAPES[random.integers(len(SHAPES))]
            canvases = self.draw(self.batch_size * (1 + alone), shape, random)
            totals = torch.from_numpy(self.total.of(canvases)).float()
            yield self._pixels(canvases.pictures), totals

    def draw(self, n: int, shape: tuple[int, int], random: np.random.Generator) -> Canvases:
        """Canvases as in training: of 1 to as many digits as are trained on and fit, some empty."""
        most = min(self.total.trained, shape[0] * shape[1])
        counts = np.where(random.random(n) < EMPTY, 0, random.integers(1, most + 1, n))
        return self.digits.draw(counts, shape, random)

    def _pixels(self, pictures: Bytes) -> Tensor:
        with torch.no_grad():
            found: Tensor = self.pixels(torch.from_numpy(pictures))
        return found


def canvases_of(digits: Digits, count: int, n: int, seed: int) -> Canvases:
    """``n`` canvases of ``count`` digits each, as large as ``grid`` says."""
    return digits.draw(np.full(n, count), grid(count), np.random.default_rng([seed, count]))
