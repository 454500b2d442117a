"""Feed-forward stacks of one arithmetic unit. For the units themselves see ``units``."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import nn

from .units import UNITS


class Network(nn.Sequential):
    """A stack of one unit, layer after layer with nothing between: arithmetic composes.

    Args:
        unit: name of the unit, for example ``"NALU"``, in any spelling; see ``UNITS.names()``.
        dims: the widths, input first: ``[2, 3, 1]`` has two layers.
        options: keywords of the unit, for example ``shared_weights=True``.

    Shape:
        x: ``(..., dims[0])``, in the range that the unit allows.
        y: ``(..., dims[-1])``.

    Raises:
        ValueError: the unit is unknown, fewer than two widths are given or one is below 1.
    """

    def __init__(self, unit: str, dims: Sequence[int], **options: Any) -> None:
        if len(dims) < 2:
            raise ValueError(f"A network needs at least two widths, input and output, got {list(dims)}.")
        layer = UNITS.load(unit)
        super().__init__(*(layer(n_in, n_out, **options) for n_in, n_out in pairwise(dims)))
        config: dict[str, Any] = {"unit": UNITS.canonical(unit), "dims": list(dims), **options}
        self.config = config  # annotated apart, as TorchScript warns of annotated attributes

    def exact(self) -> "Network":
        """A copy for inference, without the tolerances that training needs (the unit's ``EXACT_OPTIONS``)."""
        unit, dims, options = self.config["unit"], self.config["dims"], dict(self.config)
        del options["unit"], options["dims"]
        options.update(getattr(UNITS.load(unit), "EXACT_OPTIONS", {}))
        copy = Network(unit, dims, **options).to(next(self.parameters()).dtype)
        copy.load_state_dict(self.state_dict())
        return copy.eval()


class NAC(Network):
    """A network of NAC units: ``NAC(2, 1)`` adds or subtracts two numbers. See ``units.nac``."""

    def __init__(self, *dims: int) -> None:
        super().__init__("NAC", dims)


class NALU(Network):
    """A network of NALU units: ``NALU(2, 1)`` adds or multiplies two numbers. See ``units.nalu``."""

    def __init__(self, *dims: int, shared_weights: bool = False, eps: float = 1e-7) -> None:
        super().__init__("NALU", dims, shared_weights=shared_weights, eps=eps)
