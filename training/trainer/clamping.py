"""Keeps weights within the bounds that their units' papers give them."""

import torch
from torch import nn


def clamp_to_bounds(network: nn.Module) -> None:
    """Put the weights of units back into the bounds that their papers give them."""
    with torch.no_grad():
        for unit in network.modules():
            for name, (low, high) in getattr(unit, "BOUNDS", {}).items():
                unit.get_parameter(name).clamp_(low, high)
