"""The regularisers of a recurrent unit behind a CNN: its own for sparsity, and R_z for the scale of z."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from training.research.sequences.recurrent_cell import UnitCell

SCALE_WEIGHT = 30.0
"""Weight of R_z at the end of its ramp. Published: 1, for a thousand epochs; here there are few."""
SCALE_RAMP = (0.05, 0.25)
SPARSITY_RAMP = (0.2, 0.5)
"""Shares of the steps between which a regulariser's weight grows from 0 to its full size; own settings.

R_z begins when the weights have their signs; before that it can fix one at the wrong -1.
"""
ROUNDING_DISTANCE = 1e-3
"""Distance from a whole number within which a weight is rounded. After a thousand digits 1.0001 has grown to 1.1."""


def nau_scale(W: Tensor, mean_input: Tensor) -> Tensor:
    """``R_z = mean (1 - |W|) zbar^2``: with W below 1 a small z lowers the loss; R_z pulls W to 1 or z to 0."""
    return ((1 - W.abs()) * mean_input**2).mean()


def nmu_scale(W: Tensor, mean_input: Tensor) -> Tensor:
    """``R_z = mean (1 - W) (1 - zbar)^2``, the same around the NMU's neutral factor of 1."""
    return ((1 - W) * (1 - mean_input) ** 2).mean()


SCALE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"NAU": nau_scale, "NMU": nmu_scale}
"""R_z by unit, from Madsen and Johansen 2020, section 4.3; zbar is the mean of the cell's inputs, as in their code."""


def regularisers(cell: nn.Module, name: str, progress: float) -> Tensor | float:
    """The regularisers' part of the loss; 0 for cells without one.

    The weight of sparsity is the unit's own, the same for each of count's 200 weights as for each of two. R_z is
    published for results of one number, where no weight has to be 0; nine in ten of count's weights have to be.

    Args:
        cell: the cell, after its forward pass over a batch.
        name: of the cell.
        progress: share of the steps done, 0 to 1.
    """
    if not isinstance(cell, UnitCell) or name not in SCALE:
        return 0.0
    unit: Any = cell.unit
    W = unit.W
    sparsity: Tensor = unit.HYPERPARAMETERS.penalty * unit.penalty(W.t()).mean() * (W.numel() / 2)
    scale: Tensor | float = SCALE_WEIGHT * SCALE[name](W, cell.mean_input) if cell.task.outputs == 1 else 0.0
    return _ramp(progress, SCALE_RAMP) * scale + _ramp(progress, SPARSITY_RAMP) * sparsity


def round_weights(cell: nn.Module) -> None:
    """Round weights of a NAU or NMU that are within ``ROUNDING_DISTANCE`` of -1, 0 or 1: noise of the last steps."""
    W = getattr(getattr(cell, "unit", None), "W", None)
    if isinstance(W, nn.Parameter):
        with torch.no_grad():
            W.copy_(torch.where((W - W.round()).abs() < ROUNDING_DISTANCE, W.round(), W))


def _ramp(progress: float, between: tuple[float, float]) -> float:
    start, end = between
    return min(1.0, max(0.0, progress - start) / (end - start))


def weights(cell: nn.Module) -> list[float] | None:
    """The two weights ``[h, z]`` of a unit that has no more; None for other cells."""
    W = getattr(getattr(cell, "unit", None), "W", None)
    count = sum(weight.numel() for weight in cell.parameters())
    return W.detach().flatten().tolist() if isinstance(W, Tensor) and W.numel() == 2 and count in (2, 4) else None


def sparsity_error(cell: nn.Module) -> float | None:
    """Largest distance of the unit's selecting weights from -1, 0 and 1; None for NALU, LSTM and the oracle."""
    unit = getattr(cell, "unit", None)
    if unit is None or hasattr(unit, "G"):
        return None
    size = unit.W.detach().abs()
    return float(torch.minimum(size, (1 - size).abs()).max())
