"""Lookup: one constant for each class of a column."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Lookup(nn.Module):
    """The constant of the class that a column holds, as a feature of a ``Law``; nan for a class that it does not know.

    Args:
        column: place of the column.
        values: what the column holds for each class, different finite numbers.

    Shape:
        x: ``(..., columns)``. y: ``(..., 1)``. constants: ``(classes,)``.
    """

    values: Tensor

    def __init__(self, column: int, values: Sequence[float], function: str = "lookup") -> None:
        super().__init__()
        self.function = function
        self.column = column
        self.constants = nn.Parameter(torch.ones(len(values), dtype=torch.float64))
        self.register_buffer("values", torch.tensor(list(values), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        seen = x[..., self.column : self.column + 1] == self.values
        constant = torch.where(seen, self.constants, 0.0).sum(-1, keepdim=True)
        return torch.where(seen.to(x.dtype).sum(-1, keepdim=True) > 0, constant, torch.nan)
