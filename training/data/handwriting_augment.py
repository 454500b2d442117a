"""Other hands: single digits a little turned, slanted, wider or taller, as somebody else would have written them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.data.augment import turns

Bytes = NDArray[np.uint8]

TURN, SLANT, STRETCH = 0.15, 0.15, 0.08
"""Most of a turn in radians, of a slant, and of the logarithm of a stretch in width or height."""


def rewrite(digits: Bytes, random: np.random.Generator) -> Bytes:
    """Draw each digit as another hand would write it.

    Args:
        digits: pictures of single digits, light on black, with a margin as MNIST's have.
        random: source of all random numbers.

    Shape:
        digits and result: ``(n, side, side)``, uint8.
    """

    def drawn(most: float) -> Tensor:
        return torch.from_numpy(random.uniform(-most, most, len(digits))).float()

    angle, slant = drawn(TURN), drawn(SLANT)
    width, height = drawn(STRETCH).exp(), drawn(STRETCH).exp()
    matrix = functional.pad(turns(angle, slant), (0, 1)) * torch.stack([width, height], 1)[:, :, None]
    pictures = torch.from_numpy(digits[:, None].astype(np.float32))
    grid = functional.affine_grid(matrix, list(pictures.shape), align_corners=False)
    placed = functional.grid_sample(pictures, grid, align_corners=False)[:, 0]
    rewritten: Bytes = placed.round().clamp(0, 255).numpy().astype(np.uint8)
    return rewritten
