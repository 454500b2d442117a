"""Canvases to train and to test totals on, drawn from single digits."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.preprocessing import Pixels
from training.counting.totals import Total
from training.data.synthetic.random_placement import scatter
from training.data.synthetic.recenter import framed
from training.data.synthetic.scenes import Canvases, Vary, draw_canvases
from training.trainer.loop import Batch
from training.vision.config import Examples

Bytes = NDArray[np.uint8]

MNIST_FRAME = 28
"""Pixels of MNIST's own frames."""
FRAME = 24
"""Pixels of a digit's frame. MNIST's ink takes 20 of them at most, varied in training more; so close digits come."""
SCALE = (0.75, 1.0)
"""Sizes of a digit, as a share of MNIST's: 15 to 20 pixels tall, if it is not varied."""
MARGINS = (7, 23)
"""Smallest and largest sum of the margins at both ends of the cells, across and down; how it is shared is random.

The smallest lets a digit lie anywhere in a place of the CNN's maps; the largest shows digits far from any border.
"""
SINGLES = 0.4
"""Share of the training, its first part, in which a picture holds one digit at most: reading comes before adding."""
EMPTY = 0.08
"""Share of the training canvases that hold nothing."""
SHAPES = ((1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1))
"""Grids of the training canvases, each as often; of several shapes, so that emptiness is learned as well."""


class Digits:
    """Single digits that canvases are drawn from.

    Shape:
        pictures: ``(n, 28, 28)``, uint8, light on black. labels: ``(n,)``, 0 to 9.

    Args:
        lowest: of the digits that are used.
        vary: what happens to every digit that is drawn to train on; see ``draw_canvases``.
    """

    def __init__(self, pictures: Bytes, labels: Bytes, lowest: int = 0, vary: Vary | None = None) -> None:
        used = labels >= lowest
        self.pictures, self.labels, self.vary = pictures[used], labels[used], vary

    def draw(
        self, counts: NDArray[np.integer], shape: tuple[int, int], cells: tuple[int, int], random: np.random.Generator
    ) -> Canvases:
        """Canvases to train on, of one grid of cells, that hold so many digits each; see ``Total`` for ``cells``."""
        cell, shift = (int(random.integers(least, most + 1)) for least, most in (cells, MARGINS))
        scale = (SCALE[0], min(SCALE[1], cell / FRAME))
        return draw_canvases(
            self.pictures, self.labels, counts, shape, random, cell=cell, scale=scale, shift=shift, vary=self._in_frames
        )

    def scatter(self, count: int, n: int, random: np.random.Generator, frame: int = FRAME) -> Canvases:
        """Canvases to test on: digits lie anywhere, their frames of so many pixels, scaled with them, do not meet."""
        return scatter(framed(self.pictures, frame), self.labels, count, n, random, scale=SCALE)

    def in_a_row(self, count: int, n: int, random: np.random.Generator) -> Canvases:
        """Canvases to test on, that are ``count`` of the pictures as they are, side by side."""
        chosen = random.integers(0, len(self.pictures), (n, count))
        rows = self.pictures[chosen].swapaxes(1, 2).reshape(n, 1, self.pictures.shape[1], -1)
        return Canvases(rows, self.labels[chosen].astype(np.int64)[:, None])

    def _in_frames(self, digits: Bytes, random: np.random.Generator) -> Bytes:
        if self.vary:
            digits = self.vary(framed(digits, MNIST_FRAME), random)  # in the middle first, or ink leaves the frame
        return framed(digits, FRAME)


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
        self.steps, self.batch_size, self.seed = steps, batch_size, seed
        self.alone = SINGLES * epochs

    def __call__(self, epoch: int) -> Iterator[Batch]:
        random = np.random.default_rng([self.seed, epoch])
        for _ in range(self.steps):
            alone = epoch < self.alone
            shape = SHAPES[0] if alone else SHAPES[random.integers(len(SHAPES))]
            canvases = self.draw(self.batch_size * (1 + alone), shape, random)
            totals = torch.from_numpy(self.total.of(canvases)).float()
            yield self._pixels(canvases.pictures), totals

    def draw(self, n: int, shape: tuple[int, int], random: np.random.Generator) -> Canvases:
        """Canvases as in training: of 1 to as many digits as are trained on and fit, some empty."""
        most = min(self.total.trained, shape[0] * shape[1])
        counts = np.where(random.random(n) < EMPTY, 0, random.integers(1, most + 1, n))
        return self.digits.draw(counts, shape, self.total.cells, random)

    def sample(self, n: int, random: np.random.Generator) -> Examples:
        """At most ``n`` canvases as in training, as many of every shape."""
        drawn = [self.draw(n // len(SHAPES), shape, random) for shape in SHAPES]
        pictures = [picture for canvases in drawn for picture in canvases.pictures]
        return Examples(pictures, np.concatenate([self.total.of(canvases) for canvases in drawn]))

    def _pixels(self, pictures: Bytes) -> Tensor:
        with torch.no_grad():
            found: Tensor = self.pixels(torch.from_numpy(pictures))
        return found


def canvases_of(digits: Digits, count: int, n: int, seed: int) -> Canvases:
    """``n`` canvases of ``count`` digits each to test on."""
    return digits.scatter(count, n, np.random.default_rng([seed, count]))
