"""Variations of training pictures, drawn anew for every batch."""

import math

import torch
from torch import Tensor
from torch.nn import functional


def vary_strokes(pictures: Tensor) -> Tensor:
    """Place, turn, slant, thin and fade light strokes on black, as other hands and cameras would.

    Args:
        pictures: light strokes on black.

    Shape:
        pictures and result: ``(batch, channels, height, width)``, float in 0..1.
    """
    n = len(pictures)
    angle = _uniform(n, -0.2, 0.2)
    zoom_x, zoom_y = _uniform(n, 0.95, 1.9), _uniform(n, 0.95, 1.7)
    slant = _uniform(n, -0.25, 0.25)
    shift = 0.18 * (torch.rand(n, 2, 1) * 2 - 1) * torch.stack([zoom_x, zoom_y], 1)[:, :, None]
    turn = torch.stack([angle.cos(), angle.sin() + slant, -angle.sin(), angle.cos()], 1).view(n, 2, 2)
    matrix = torch.cat([turn * torch.stack([zoom_x, zoom_y], 1)[:, :, None], shift], 2)
    grid = functional.affine_grid(matrix, list(pictures.shape), align_corners=False)
    placed = functional.grid_sample(pictures, grid, align_corners=False)
    thinned = -functional.max_pool2d(-placed, 3, stride=1, padding=1)
    thin = _uniform(n, -0.6, 0.9).clamp(min=0)[:, None, None, None]
    strokes = (1 - thin) * placed + thin * thinned
    return strokes.clamp(min=0) ** torch.exp(_uniform(n, math.log(0.5), math.log(2.0)))[:, None, None, None]


def _uniform(n: int, low: float, high: float) -> Tensor:
    return torch.rand(n) * (high - low) + low
