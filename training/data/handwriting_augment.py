"""Handwriting augmentation: single digits a little turned, slanted, wider or taller, as other people write them."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.arrays import ByteArray
from training.data.augment import rotation_and_shear

TURN, SLANT, STRETCH = 0.15, 0.15, 0.08
"""Largest turn in radians, slant, and logarithm of a stretch in width or height."""


def augment_handwriting(digits: ByteArray, random: np.random.Generator) -> ByteArray:
    """Turn, slant and stretch each digit a little, as another person would write it.

    Args:
        digits: images of single digits, light on black, with a margin as MNIST's have.
        random: source of all random numbers.

    Shape:
        digits and result: ``(n, side, side)``, uint8.
    """

    def drawn(most: float) -> Tensor:
        return torch.from_numpy(random.uniform(-most, most, len(digits))).float()

    angle, slant = drawn(TURN), drawn(SLANT)
    width, height = drawn(STRETCH).exp(), drawn(STRETCH).exp()
    matrix = functional.pad(rotation_and_shear(angle, slant), (0, 1)) * torch.stack([width, height], 1)[:, :, None]
    images = torch.from_numpy(digits[:, None].astype(np.float32))
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    placed = functional.grid_sample(images, grid, align_corners=False)[:, 0]
    augmented: ByteArray = placed.round().clamp(0, 255).numpy().astype(np.uint8)
    return augmented
