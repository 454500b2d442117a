"""LawSpread: how far a new observation may lie from a law whose constants were fitted to noisy rows.

It needs no derivatives, and so no autograd in an exported file: the law is computed once with the constants as fitted,
and twice for each direction in which they are uncertain, one standard deviation up and down.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .functions import FUNCTIONS


class LawSpread(nn.Module):
    """The law with its constants as fitted, the noise around it, and the uncertainty of its constants.

    Args:
        in_features: columns.
        columns: those that the law is made of, in order.
        law: configuration of the law of those columns alone, see ``law.Law``.
        directions: in which its constants are uncertain; 0 where they are exact.

    Shape:
        x: ``(rows, in_features)``, any real value.
        y: ``(rows, 3)``: the law with its constants as fitted, not as snapped to simple numbers; the standard deviation
        of the noise of an observation there; and the standard error of the law, for its constants. The last is not
        finite where the law is not with constants one standard deviation off.
        noise: ``(3,)``: standard deviations of noise of one size, and of noise in proportion to the law, the larger of
        which counts; and the size of the law below which it counts as so large.
    """

    noise: Tensor

    def __init__(self, in_features: int, columns: Sequence[int], law: Mapping[str, Any], directions: int) -> None:
        super().__init__()
        config: dict[str, Any] = {
            "in_features": in_features,
            "columns": list(columns),
            "law": dict(law),
            "directions": directions,
        }
        self.config = config
        self.laws = _Laws(**law, count=1 + 2 * directions)
        self.register_buffer("noise", torch.zeros(3, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        directions = self.config["directions"]
        values = self.laws(x[:, self.config["columns"]])
        fitted, constant, share, floor = values[:, :1], self.noise[0], self.noise[1], self.noise[2]
        noise = torch.maximum(constant, share * torch.maximum(fitted.abs(), floor))
        if not directions:
            return torch.cat([fitted, noise, torch.zeros_like(fitted)], 1)
        steps = (values[:, 1 : 1 + directions] - values[:, 1 + directions :]).abs() / 2
        largest = steps.amax(1, keepdim=True)
        lengths = steps / torch.where(largest > 0, largest, 1.0)  # squares of 1e200 overflow
        return torch.cat([fitted, noise, largest * (lengths * lengths).sum(1, keepdim=True).sqrt()], 1)


class _Laws(nn.Module):
    """Laws of one form that differ in their constants, ``C`` ``(count, sums, terms)``: ``(rows, count)``."""

    W: Tensor
    negative: Tensor
    C: Tensor
    V: Tensor

    def __init__(
        self, in_features: int, terms: int, sums: int, features: Sequence[Mapping[str, Any]] = (), *, count: int
    ) -> None:
        super().__init__()
        self.features = nn.ModuleList(_Feature(count=count, **feature) for feature in features)
        width = in_features + len(features)
        self.W = nn.Parameter(torch.zeros(terms, width, dtype=torch.float64))
        self.C = nn.Parameter(torch.zeros(count, sums, terms, dtype=torch.float64))
        self.V = nn.Parameter(torch.ones(sums, dtype=torch.float64))
        self.register_buffer("negative", torch.ones(terms, width, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        if not len(self.features):
            sums = functional.linear(self._products(x), self.C.flatten(0, 1)).reshape(-1, *self.C.shape[:2])
        else:
            inner = [feature(x).unsqueeze(-1) for feature in self.features]
            columns = torch.cat([x.unsqueeze(1).expand(-1, len(self.C), -1), *inner], -1)
            sums = (self._products(columns).unsqueeze(-2) * self.C).sum(-1)
        powers: Tensor = sums**self.V
        return powers.prod(-1)

    def _products(self, z: Tensor) -> Tensor:
        column = z.unsqueeze(-2)
        return (column.abs() ** self.W * torch.where(column < 0, self.negative, 1.0)).prod(-1)


class _Feature(nn.Module):
    """A function of laws that differ in their constants: ``(rows, count)``."""

    def __init__(self, function: str, arguments: Sequence[Mapping[str, Any]], *, count: int) -> None:
        super().__init__()
        self.function = function
        self.arguments = nn.ModuleList(_Laws(**argument, count=count) for argument in arguments)

    def forward(self, x: Tensor) -> Tensor:
        return FUNCTIONS[self.function](*[laws(x) for laws in self.arguments])


def law_spread(
    in_features: int, columns: Sequence[int], laws: Sequence[nn.Module], noise: tuple[float, float, float]
) -> LawSpread:
    """The spread of a law.

    Args:
        in_features: columns of the table.
        columns: those that the laws are made of.
        laws: ``Law`` with the constants as fitted, then with them one standard deviation up in each direction, then
            down in each; of one form.
        noise: see ``LawSpread``.
    """
    config: dict[str, Any] = laws[0].config  # type: ignore[assignment]
    spread = LawSpread(in_features, columns, config, (len(laws) - 1) // 2)
    states = [law.state_dict() for law in laws]
    stacked = {
        name: torch.stack([state[name] for state in states]) if name.rpartition(".")[2] == "C" else value
        for name, value in states[0].items()
    }
    spread.laws.load_state_dict(stacked)
    spread.noise.copy_(torch.tensor(noise, dtype=torch.float64))
    return spread.eval()
