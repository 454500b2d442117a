"""Augmentations of training images, drawn anew for every batch.

Each is for labels that it leaves true:

- ``none``: for labels that brightness, size or position would change;
- ``gentle``: brightness, contrast, noise, and shifts that cut nothing off: for counts, sums and products;
- ``flips``: ``gentle``, mirror images and quarter turns: for the same, where images have no orientation;
- ``views``: small turns, zooms and shifts, brightness, contrast, noise: for classes; content may leave the frame;
- ``strokes``: turns, slants, thins and fades: for classes of drawings and handwriting, one object an image.

All random numbers are PyTorch's of the CPU, whatever device the images are on.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from models.preprocessing import ImagePreprocessing

Augment = Callable[[Tensor], Tensor]

AUGMENTS = ("none", "gentle", "flips", "views", "strokes")
GROWTH = 0.25
"""Largest part of its height and width that an image grows by."""
SHRINKAGE = 0.15
"""Largest part by which the content of an image that cannot grow is made smaller."""


def choose_augment(name: str, *, keep_size: bool = False) -> Augment | None:
    """The augmentation of that name, one of ``AUGMENTS``; ``keep_size``: images keep their scale, see ``gentle``."""
    if name in ("gentle", "flips"):
        return partial({"gentle": gentle, "flips": flips}[name], keep_size=keep_size)
    return {"none": None, "views": views, "strokes": strokes}[name]


def usual_augment(task: str, pool: str, contrast: str) -> str:
    """The name of the augmentation that leaves labels of such a task true.

    A value that is no sum may be a property that augmentation changes: an angle, a size, a brightness.
    """
    if pool != "average":
        return "gentle"
    if task == "regression":
        return "none"
    return "strokes" if contrast == "strokes" else "views"


def gentle(images: Tensor, *, keep_size: bool = False) -> Tensor:
    """Shift the content of images without cutting anything off, and vary brightness and contrast.

    Args:
        images: of any kind.
        keep_size: images keep their scale and get a margin of their own background, so the batch grows; else
            their content is made smaller by as much, and the size stays.

    Shape:
        images: ``(batch, channels, height, width)``, float in 0..1. result: the same, or a larger height and width.
    """
    return light(_with_margin(images) if keep_size else _smaller(images))


def flips(images: Tensor, *, keep_size: bool = False) -> Tensor:
    """``gentle``, and every mirror image and quarter turn; a batch is turned as a whole, as it has one size."""
    turned = images.transpose(2, 3) if int(torch.randint(2, ())) else images
    for axis in (2, 3):
        mirrored = (torch.rand(len(turned)) < 0.5).to(turned.device)[:, None, None, None]
        turned = torch.where(mirrored, turned.flip(axis), turned)
    return gentle(turned, keep_size=keep_size)


def views(images: Tensor) -> Tensor:
    """Small turns, zooms and shifts, as other camera positions give; content may leave the frame."""
    n = len(images)
    angle, zoom = _uniform(n, -0.17, 0.17), torch.exp(_uniform(n, -0.18, 0.18))
    turn = rotation_and_shear(angle, torch.zeros(n))
    shift = torch.rand(n, 2, 1) * 0.2 - 0.1
    return light(_placed(images, torch.cat([turn * zoom[:, None, None], shift], 2)))


def light(images: Tensor) -> Tensor:
    """Other brightness, other contrast, a little noise."""
    n, device = len(images), images.device
    contrast = torch.exp(_uniform(n, -0.2, 0.2)).to(device)[:, None, None, None]
    brightness = _uniform(n, -0.08, 0.08).to(device)[:, None, None, None]
    noise = torch.randn(images.shape).to(device) * _uniform(n, 0, 0.02).to(device)[:, None, None, None]
    return ((images - 0.5) * contrast + 0.5 + brightness + noise).clamp(0, 1)


def strokes(images: Tensor) -> Tensor:
    """``vary_strokes`` for strokes of any colour on a background of any other."""
    return vary_strokes(ImagePreprocessing(None, None, contrast="strokes").adjust(images))


def vary_strokes(images: Tensor) -> Tensor:
    """Shift, turn, slant, thin and fade light strokes on black, as other people and cameras would.

    Args:
        images: light strokes on black.

    Shape:
        images and result: ``(batch, channels, height, width)``, float in 0..1.
    """
    n, device = len(images), images.device
    angle = _uniform(n, -0.2, 0.2)
    zoom_x, zoom_y = _uniform(n, 0.95, 1.9), _uniform(n, 0.95, 1.7)
    slant = _uniform(n, -0.25, 0.25)
    shift = 0.18 * (torch.rand(n, 2, 1) * 2 - 1) * torch.stack([zoom_x, zoom_y], 1)[:, :, None]
    turn = rotation_and_shear(angle, slant)
    matrix = torch.cat([turn * torch.stack([zoom_x, zoom_y], 1)[:, :, None], shift], 2).to(device)
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    placed = functional.grid_sample(images, grid, align_corners=False)
    thinned = -functional.max_pool2d(-placed, 3, stride=1, padding=1)
    thin = _uniform(n, -0.6, 0.9).clamp(min=0).to(device)[:, None, None, None]
    varied = (1 - thin) * placed + thin * thinned
    fade = torch.exp(_uniform(n, math.log(0.5), math.log(2.0))).to(device)
    return varied.clamp(min=0) ** fade[:, None, None, None]


def vary_handwriting(images: Tensor) -> Tensor:
    """Small turns, zooms, slants and shifts; for a quarter of the images large ones, thinner strokes, other shades.

    For digits that fill their image or leave it nearly empty, at no cost for ordinary ones.

    Args:
        images: light strokes on black, with a margin, as MNIST's.

    Shape:
        images and result: ``(batch, channels, height, width)``, float in 0..1.
    """
    n = len(images)
    strongly = torch.rand(n) < 0.25

    def drawn(small: float, large: float) -> Tensor:
        return torch.where(strongly, _uniform(n, -large, large), _uniform(n, -small, small))

    angle, slant = drawn(0.17, 0.25), drawn(0.15, 0.25)
    zoom_x = torch.exp(drawn(0.14, 0.48))
    zoom_y = zoom_x * torch.exp(drawn(0.08, 0.16))
    shift = torch.stack([drawn(0.12, 0.3), drawn(0.12, 0.3)], 1)[:, :, None]
    turn = rotation_and_shear(angle, slant)
    matrix = torch.cat([turn, shift], 2) * torch.stack([zoom_x, zoom_y], 1)[:, :, None]
    grid = functional.affine_grid(matrix.to(images.device), list(images.shape), align_corners=False)
    placed = functional.grid_sample(images, grid, align_corners=False)
    thin = (drawn(0.0, 0.8).clamp(min=0)).to(images.device)[:, None, None, None]
    thinned = -functional.max_pool2d(-placed, 3, stride=1, padding=1)
    fade = torch.exp(drawn(0.2, 0.7)).to(images.device)[:, None, None, None]
    return torch.lerp(placed, thinned, thin).clamp(min=0) ** fade


def rotation_and_shear(angle: Tensor, slant: Tensor) -> Tensor:
    """Matrices of a rotation and a shear, for ``affine_grid``: ``(n,)`` each, to ``(n, 2, 2)``."""
    return torch.stack([angle.cos(), angle.sin() + slant, -angle.sin(), angle.cos()], 1).view(-1, 2, 2)


def background(images: Tensor) -> Tensor:
    """The background colour of images: the mean of their four corners, ``(batch, channels, 1, 1)``."""
    corners = [images[..., rows, columns] for rows in _ENDS for columns in _ENDS]
    return torch.stack(corners).mean((0, -2, -1))[..., None, None]


_ENDS = (slice(None, 2), slice(-2, None))


def _smaller(images: Tensor) -> Tensor:
    """Shrink by up to ``SHRINKAGE`` and shift within the space that leaves."""
    n = len(images)
    zoom = 1 / (1 - _uniform(n, 0, SHRINKAGE))
    free = (zoom - 1)[:, None, None]
    shift = (torch.rand(n, 2, 1) * 2 - 1) * free
    return _placed(images, torch.cat([torch.eye(2) * zoom[:, None, None], shift], 2))


def _with_margin(images: Tensor) -> Tensor:
    """Grow the batch by up to ``GROWTH`` each way, every image at a random offset."""
    height, width = images.shape[2:]
    more = [int(torch.randint(int(side * GROWTH) + 1, ())) for side in (height, width)]
    grown = background(images).repeat(1, 1, height + more[0], width + more[1])
    for i in range(len(images)):
        top, left = (int(torch.randint(extra + 1, ())) for extra in more)
        grown[i, :, top : top + height, left : left + width] = images[i]
    return grown


def _placed(images: Tensor, matrix: Tensor) -> Tensor:
    """Turn, zoom and move images on their own background."""
    behind = background(images)
    grid = functional.affine_grid(matrix.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images - behind, grid, align_corners=False) + behind


def _uniform(n: int, low: float, high: float) -> Tensor:
    return torch.rand(n) * (high - low) + low
