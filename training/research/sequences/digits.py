"""The digits that sequences are made of: training, validation and test images, and how they are varied."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.data.mnist import Mnist
from training.research.sequences.task import SequenceTask

VALIDATION = 5_000
"""The last training digits are for validation, as published."""
SHIFT = 1
"""Training images are moved by up to so many pixels."""
MEAN, DEVIATION = 0.1307, 0.3081
"""Of MNIST's training pixels, in 0..1."""


@dataclass(frozen=True)
class DigitImages:
    """Images and what they show.

    Shape:
        images: ``(n, height, width)``, uint8, light strokes on black. labels: ``(n,)``, int64.
    """

    images: Tensor
    labels: Tensor

    def of(self, task: SequenceTask) -> "DigitImages":
        """Those that occur in a task."""
        kept = torch.isin(self.labels, torch.tensor(task.digits))
        return DigitImages(self.images[kept], self.labels[kept])

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Parts:
    """What is learned from, what is watched, and what is reported; no digit is in two of them."""

    train: DigitImages
    validation: DigitImages
    test: DigitImages

    def of(self, task: SequenceTask) -> "Parts":
        """The parts, of digits that occur in a task."""
        return Parts(self.train.of(task), self.validation.of(task), self.test.of(task))


def split(mnist: Mnist, validation: int = VALIDATION) -> Parts:
    """MNIST's training images without the last, the last, and MNIST's test images."""
    images, labels, test_images, test_labels = (torch.from_numpy(np.array(part)) for part in mnist)
    learned = DigitImages(images[:-validation], labels[:-validation].long())
    watched = DigitImages(images[-validation:], labels[-validation:].long())
    return Parts(learned, watched, DigitImages(test_images, test_labels.long()))


def normalise(images: Tensor) -> Tensor:
    """What the CNN takes: ``(n, height, width)`` bytes to ``(n, 1, height, width)`` of mean 0 and deviation 1."""
    scaled = (images.float() / 255 - MEAN) / DEVIATION
    return scaled.unsqueeze(1).contiguous(memory_format=torch.channels_last)


class RandomShift:
    """Training images, each moved anew, whenever it is asked for, by up to ``SHIFT`` pixels."""

    def __init__(self, digits: DigitImages) -> None:
        height, width = digits.images.shape[1:]
        wide = functional.pad(digits.images, (SHIFT,) * 4)
        self.windows = wide.unfold(1, height, 1).unfold(2, width, 1)

    def __call__(self, index: Tensor) -> Tensor:
        """Images of these numbers, normalise."""
        down, right = torch.randint(0, 2 * SHIFT + 1, (2, len(index)))
        return normalise(self.windows[index, down, right])
