"""Neural arithmetic units, one published unit a file. A file offers its class as ``UNIT``.

A unit is a module built as ``Unit(in_features, out_features, **options)`` that maps ``(..., in_features)`` to
``(..., out_features)``.
"""

from collections.abc import Callable

from torch import nn

from models.registry import Registry

UNITS: Registry[Callable[..., nn.Module]] = Registry("unit", "models.units", "UNIT")


def check_sizes(in_features: int, out_features: int) -> None:
    """Raise ValueError unless both sizes are at least 1."""
    for name, size in (("in_features", in_features), ("out_features", out_features)):
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}.")
