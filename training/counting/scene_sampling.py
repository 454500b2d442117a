"""Samples scenes of several digits from images of single digits, for training and testing aggregates."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.arrays import ByteArray
from models.preprocessing import ImagePreprocessing
from training.counting.aggregate_target import AggregateTarget
from training.data.labeled_images import LabeledImages
from training.data.synthetic.random_placement import place_randomly
from training.data.synthetic.recenter import recenter
from training.data.synthetic.scenes import Augment, Scenes, draw_scenes
from training.trainer.loop import Batch

MNIST_FRAME = 28
"""Pixels of MNIST's own frames."""
FRAME = 24
"""Pixels of a digit's frame. MNIST's ink takes at most 20 of them, augmented digits more; so digits come close."""
SCALE = (0.75, 1.0)
"""Sizes of a digit, as a share of MNIST's: 15 to 20 pixels tall before augmentation."""
MARGINS = (7, 23)
"""Smallest and largest sum of the two margins around the cells, vertically and horizontally; the split is random.

The smallest lets a digit lie at any offset within a location of the feature maps; the largest shows digits far from
every border.
"""
SINGLE_DIGIT_SHARE = 0.4
"""Share of the epochs, the first ones, whose scenes hold one digit at most: reading is learned before adding."""
EMPTY_SHARE = 0.08
"""Share of the training scenes that hold nothing."""
GRIDS = ((1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1))
"""Grids of the training scenes, equally often; of several shapes, so that empty space is learned as well."""


class Digits:
    """Images of single digits that scenes are drawn from.

    Shape:
        images: ``(n, 28, 28)``, uint8, light on black. labels: ``(n,)``, 0 to 9.

    Args:
        lowest: the lowest digit used.
        augment: applied to every digit of a training scene; see ``draw_scenes``.
    """

    def __init__(self, images: ByteArray, labels: ByteArray, lowest: int = 0, augment: Augment | None = None) -> None:
        used = labels >= lowest
        self.images, self.labels, self.augment = images[used], labels[used], augment

    def draw(
        self,
        counts: NDArray[np.integer],
        grid: tuple[int, int],
        cell_sizes: tuple[int, int],
        random: np.random.Generator,
    ) -> Scenes:
        """Training scenes of one grid, with ``counts`` digits; for ``cell_sizes`` see ``AggregateTarget``."""
        cell, shift = (int(random.integers(least, most + 1)) for least, most in (cell_sizes, MARGINS))
        scale = (SCALE[0], min(SCALE[1], cell / FRAME))
        augment = self._augment_in_frames
        return draw_scenes(
            self.images, self.labels, counts, grid, random, cell=cell, scale=scale, shift=shift, augment=augment
        )

    def place_randomly(self, count: int, n: int, random: np.random.Generator, frame: int = FRAME) -> Scenes:
        """Test scenes: digits at any pixel whose frames of ``frame`` pixels, scaled with them, do not overlap."""
        return place_randomly(recenter(self.images, frame), self.labels, count, n, random, scale=SCALE)

    def place_in_a_row(self, count: int, n: int, random: np.random.Generator) -> Scenes:
        """Test scenes: ``count`` of the images as they are, side by side."""
        chosen = random.integers(0, len(self.images), (n, count))
        rows = self.images[chosen].swapaxes(1, 2).reshape(n, 1, self.images.shape[1], -1)
        return Scenes(rows, self.labels[chosen].astype(np.int64)[:, None])

    def _augment_in_frames(self, digits: ByteArray, random: np.random.Generator) -> ByteArray:
        if self.augment:
            digits = self.augment(recenter(digits, MNIST_FRAME), random)  # centred first, or ink leaves the frame
        return recenter(digits, FRAME)


class TrainingScenes:
    """Freshly drawn batches; seed and epoch determine them.

    Args:
        target: computes the labels.
        digits: what the scenes are drawn from.
        preprocessing: the network's preprocessing.
        epochs: of the whole training.
        steps: batches of an epoch.
        batch_size: scenes of a batch; of single digits, twice as many.
        seed: start of all random numbers.
    """

    def __init__(
        self,
        target: AggregateTarget,
        digits: Digits,
        preprocessing: ImagePreprocessing,
        *,
        epochs: int,
        steps: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self.target, self.digits, self.preprocessing = target, digits, preprocessing
        self.steps, self.batch_size, self.seed = steps, batch_size, seed
        self.single_digit_epochs = SINGLE_DIGIT_SHARE * epochs

    def __call__(self, epoch: int) -> Iterator[Batch]:
        random = np.random.default_rng([self.seed, epoch])
        for _ in range(self.steps):
            single = epoch < self.single_digit_epochs
            grid = GRIDS[0] if single else GRIDS[random.integers(len(GRIDS))]
            scenes = self.draw(self.batch_size * (1 + single), grid, random)
            labels = torch.from_numpy(self.target.label(scenes)).float()
            yield self._preprocessed(scenes.images), labels

    def draw(self, n: int, grid: tuple[int, int], random: np.random.Generator) -> Scenes:
        """Training scenes: of 1 to as many digits as are trained on and fit the grid, some empty."""
        most = min(self.target.max_train_count, grid[0] * grid[1])
        counts = np.where(random.random(n) < EMPTY_SHARE, 0, random.integers(1, most + 1, n))
        return self.digits.draw(counts, grid, self.target.cell_sizes, random)

    def sample(self, n: int, random: np.random.Generator) -> LabeledImages:
        """At most ``n`` training scenes, as many of every grid."""
        drawn = [self.draw(n // len(GRIDS), grid, random) for grid in GRIDS]
        images = [image for scenes in drawn for image in scenes.images]
        return LabeledImages(images, np.concatenate([self.target.label(scenes) for scenes in drawn]))

    def _preprocessed(self, images: ByteArray) -> Tensor:
        with torch.no_grad():
            result: Tensor = self.preprocessing(torch.from_numpy(images))
        return result


def draw_test_scenes(digits: Digits, count: int, n: int, seed: int) -> Scenes:
    """``n`` test scenes of ``count`` digits each."""
    return digits.place_randomly(count, n, np.random.default_rng([seed, count]))
