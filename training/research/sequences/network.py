"""The CNN that reads one digit: an image to as many numbers as the task's result has."""

import math

import torch
from torch import Tensor, nn

from training.research.sequences.digits import DigitImages, normalise
from training.research.sequences.task import SequenceTask

CODES = 64
"""Patterns that the read-out distinguishes; each has a learned value."""
BATCH = 500


class ReadOut(nn.Module):
    """``z = softmax(x A + b) V``: the value of the pattern in the image, or a mixture where it is unclear.

    A and V are learned; V is initialised with the digits' mean and deviation. The output has to be flat around ten
    values, and this form is. Measured on sums: a linear layer leaves an error of 0.63 a digit after six epochs, this
    read-out 0.41 after four. (stable-nalu has a softmax as an option.)
    """

    def __init__(self, features: int, task: SequenceTask) -> None:
        super().__init__()
        self.patterns = nn.Linear(features, CODES)
        self.values = nn.Parameter(torch.empty(CODES, task.outputs))
        ideal = task.values(torch.tensor(task.digits)).float()
        with torch.no_grad():
            self.values.normal_().mul_(ideal.std(0)).add_(ideal.mean(0))

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.patterns(x).float().softmax(-1) @ self.values
        return z


class ClassReadOut(nn.Module):
    """A classifier of digits; ``z`` is the expected number. The probabilities are retained, for the likelihood.

    ``z`` is the expected number in testing too: of independent digits the expected sum is the sum of the expected
    numbers and the expected product their product, and the expectation minimises the squared error.
    """

    def __init__(self, features: int, task: SequenceTask) -> None:
        super().__init__()
        self.logits = nn.Linear(features, len(task.digits))
        self.numbers: Tensor
        self.register_buffer("numbers", task.values(torch.tensor(task.digits)).float())
        self.probabilities = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self.probabilities = self.logits(x).float().softmax(-1)
        return self.probabilities @ self.numbers


def build_cnn(task: SequenceTask, side: int = 28, *, classifies: bool = False) -> nn.Sequential:
    """Three convolutions of 32, 64 and 64 channels and the read-out, for images of ``side`` x ``side`` pixels.

    Each 2x2 block of pixels becomes four channels, which halves height and width of the maps.

    Args:
        task: whose digits are read.
        side: of the images.
        classifies: the read-out is ``ClassReadOut``.
    """
    small = math.ceil(math.ceil(side / 4) / 2)
    cnn = nn.Sequential(
        nn.PixelUnshuffle(2),
        *_block(4, 32, kernel=5, stride=2),
        *_block(32, 64),
        *_block(64, 64, stride=2),
        nn.Flatten(),
        (ClassReadOut if classifies else ReadOut)(64 * small**2, task),
    )
    return cnn.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _block(in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(out_channels), nn.ReLU()


def read_digits(cnn: nn.Module, digits: DigitImages) -> Tensor:
    """Predictions of a CNN in evaluation mode for digits, ``(n, outputs)``, in float64."""
    cnn.eval()
    with torch.no_grad():
        return torch.cat([cnn(normalise(part)).double() for part in torch.split(digits.images, BATCH)])


def recalibrate_bn(cnn: nn.Module, digits: DigitImages) -> None:
    """Recalibrate batch normalisation on all of these images, without augmentation.

    A running mean over augmented images shifts every digit by a little, and a sum over a thousand of them by a lot.
    """
    for layer in cnn.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    cnn.train()
    with torch.no_grad():
        for part in torch.split(digits.images, BATCH):
            cnn(normalise(part))
    cnn.eval()
