"""The digits of the sequences: training, validation and test images, and their augmentation."""

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
"""Most pixels that training images are shifted by."""
MEAN, DEVIATION = 0.1307, 0.3081
"""Of MNIST's training pixels, in 0..1."""


@dataclass(frozen=True)
class DigitImages:
    """Images of digits and their labels.

    Shape:
        images: ``(n, height, width)``, uint8, light strokes on black. labels: ``(n,)``, int64.
    """

    images: Tensor
    labels: Tensor

    def of(self, task: SequenceTask) -> "DigitImages":
        """The digits that occur in a task."""
        used = torch.isin(self.labels, torch.tensor(task.digits))
        return DigitImages(self.images[used], self.labels[used])

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class DigitSplit:
    """Training, validation and test digits; no digit is in two of them."""

    train: DigitImages
    validation: DigitImages
    test: DigitImages

    def of(self, task: SequenceTask) -> "DigitSplit":
        """The digits of each part that occur in a task."""
        return DigitSplit(self.train.of(task), self.validation.of(task), self.test.of(task))


def split_digits(mnist: Mnist, validation: int = VALIDATION) -> DigitSplit:
    """MNIST's training images but the last, the last of them, and MNIST's test images."""
    images, labels, test_images, test_labels = (torch.from_numpy(np.array(part)) for part in mnist)
    train = DigitImages(images[:-validation], labels[:-validation].long())
    held_out = DigitImages(images[-validation:], labels[-validation:].long())
    return DigitSplit(train, held_out, DigitImages(test_images, test_labels.long()))


def normalise(images: Tensor) -> Tensor:
    """The CNN's input: ``(n, height, width)`` bytes to ``(n, 1, height, width)`` of mean 0 and deviation 1."""
    scaled = (images.float() / 255 - MEAN) / DEVIATION
    return scaled.unsqueeze(1).contiguous(memory_format=torch.channels_last)


class RandomShift:
    """Training images, each shifted at random by up to ``SHIFT`` pixels, anew in every batch."""

    def __init__(self, digits: DigitImages) -> None:
        height, width = digits.images.shape[1:]
        wide = functional.pad(digits.images, (SHIFT,) * 4)
        self.windows = wide.unfold(1, height, 1).unfold(2, width, 1)

    def __call__(self, index: Tensor) -> Tensor:
        """The images of these indices, normalised."""
        down, right = torch.randint(0, 2 * SHIFT + 1, (2, len(index)))
        return normalise(self.windows[index, down, right])
