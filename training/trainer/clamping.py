"""Clamps weights to the bounds of their units' papers."""

import torch
from torch import nn


def clamp_to_bounds(network: nn.Module) -> None:
    """Clamp the weights of units to the bounds of their papers."""
    with torch.no_grad():
        for unit in network.modules():
            for name, (low, high) in getattr(unit, "BOUNDS", {}).items():
                unit.get_parameter(name).clamp_(low, high)
