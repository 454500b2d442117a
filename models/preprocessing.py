"""From the bytes of an image to the input of a CNN. It is part of every exported graph, so it exists once."""

from typing import Literal

import torch
from torch import Tensor, nn

Contrast = Literal["plain", "strokes"]


def resize_matrix(line: Tensor, grid: Tensor) -> Tensor:
    """Weights that resize one axis by linear interpolation, averaging when they shrink it.

    Equals ``torch.nn.functional.interpolate(mode="bilinear", antialias=True)``, but is made of plain operators
    that every runtime has, for sizes and devices known only when the image arrives.

    Args:
        line: any float row or column of the image along that axis; only its length counts.
        grid: centres of the resized pixels, ``0.5, 1.5, ...``.

    Shape:
        line: ``(n_in,)``, grid: ``(n_out,)``, result: ``(n_out, n_in)``, each row summing to 1.
    """
    centres = torch.ones_like(line).cumsum(0) - 0.5
    scale = (centres[-1] + 0.5) / grid.shape[0]
    distances = (centres[None, :] - grid[:, None] * scale).abs()
    weights = (1 - distances / scale.clamp(min=1.0)).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


class ImagePreprocessing(nn.Module):
    """Resizes images of any size to one size, or leaves their size as it is, and scales them.

    Args:
        height: rows of the result; None, for both, keeps every image's own size.
        width: columns of the result.
        contrast: ``"plain"`` scales 0..255 to 0..1. ``"strokes"`` is for drawings and digits: each pixel becomes its
            distance from the background, which is read off the four corners, relative to the largest such distance;
            dark on light and light on dark look the same then.

    Shape:
        x: ``(batch, channels, any, any)``, uint8.
        y: ``(batch, channels, height, width)``, float32 in 0..1.

    Raises:
        ValueError: an unknown contrast, a size below 4, or only one of height and width.
    """

    def __init__(self, height: int | None, width: int | None, *, contrast: Contrast = "plain") -> None:
        super().__init__()
        if contrast not in ("plain", "strokes"):
            raise ValueError(f"Unknown contrast {contrast!r}. Available: plain, strokes.")
        if (height is None) != (width is None):
            raise ValueError(f"height and width must both be numbers or both None, got {height} and {width}.")
        if height is not None and width is not None and min(height, width) < 4:
            raise ValueError(f"height and width must be at least 4, got {height} x {width}.")
        self.contrast = contrast
        self.resizes = height is not None
        self.rows: Tensor
        self.columns: Tensor
        self.register_buffer("rows", torch.arange(height or 0) + 0.5)
        self.register_buffer("columns", torch.arange(width or 0) + 0.5)

    def resize(self, x: Tensor) -> Tensor:
        """The first half of the work: one size, if any, float32 in 0..1."""
        x = x.float() / 255
        if not self.resizes:
            return x
        return resize_matrix(x[0, 0, :, 0], self.rows) @ x @ resize_matrix(x[0, 0, 0, :], self.columns).T

    def adjust(self, x: Tensor) -> Tensor:
        """The second half: the contrast."""
        return x if self.contrast == "plain" else _strokes(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.adjust(self.resize(x))


def _strokes(x: Tensor) -> Tensor:
    corners = torch.stack([x[..., :2, :2], x[..., :2, -2:], x[..., -2:, :2], x[..., -2:, -2:]])
    distance = (x - corners.mean((0, -2, -1))[..., None, None]).abs()
    # an empty image has no stroke to scale by; 1/16 is one step of the coarsest images served, 16 shades
    return distance / distance.amax((-3, -2, -1), keepdim=True).clamp(min=1 / 16)
