"""The MLP baseline of arithmetic models, with as many parameters as the model."""

import torch
from torch import Tensor, nn

from training.tabular.optimise import power_of_two


class MLP(nn.Module):
    """One hidden layer of ReLU units on standardised inputs; its output is scaled back to the target.

    Args:
        inputs: the training inputs, which set centre and scale. ``(rows, columns)``.
        target: the training target, likewise. ``(rows, 1)``.
        parameters: at least so many trained parameters; the smallest hidden layer that has them.
    """

    def __init__(self, inputs: Tensor, target: Tensor, parameters: int) -> None:
        super().__init__()
        columns = inputs.shape[1]
        hidden = max(1, -(-(parameters - 1) // (columns + 2)))
        self.layers = nn.Sequential(nn.Linear(columns, hidden), nn.ReLU(), nn.Linear(hidden, 1)).to(inputs.dtype)
        for name, data in (("input", inputs), ("target", target)):
            unit = power_of_two(data)
            spread = (data * unit).std(0) / unit
            self.register_buffer(f"{name}_mean", (data * unit).mean(0) / unit)
            self.register_buffer(f"{name}_spread", torch.where(spread > 0, spread, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers((x - self.get_buffer("input_mean")) / self.get_buffer("input_spread"))
        return y * self.get_buffer("target_spread") + self.get_buffer("target_mean")


def count_parameters(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
