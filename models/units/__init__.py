"""Neural arithmetic units, one published unit a file.

A file offers its class as ``UNIT``, and as ``NAME`` its published spelling where that is not the file's name in
capitals. A unit is a module built as ``Unit(in_features, out_features, **options)`` that maps ``(..., in_features)``
to ``(..., out_features)``. It also offers

- ``equation(x, **weights, training=False, **options)``: the formula itself, features first, so that it serves one
  module and a thousand replicas alike: x is ``(in_features, ...)``, each weight matrix features first too, transposed
  and broadcast against x; a weight of one axis, ``(out_features,)``, has no feature axis. The result has x's shape
  without its first axis. ``training`` adds what a unit does in training alone, such as noise. The weights go by the
  names of the module's parameters (``nac.W_hat`` by its last, ``W_hat``); options such as ``eps`` have the module's
  defaults.
- ``BOUNDS``: lowest and highest value of a weight, by parameter name, to which training clamps it after every step.
- ``penalty(**weights)``: the published regulariser, which ``HYPERPARAMETERS`` weight; features first, and the result
  has the weights' shape without it.
- ``HYPERPARAMETERS``: the published settings of its training, see ``hyperparameters``.
- ``OPTIONS``: the options of the equation that a module was built with, where they change what it learns.
- ``selectors(**weights)``: the weights that are drawn to -1, 0 and 1, where they are no parameters; features first.
- ``COMPILED``: False where ``torch.compile`` would change what the unit learns.
- ``EXACT_OPTIONS``, ``HEAD_OPTIONS``: options for inference on numbers, and behind a CNN.

Each of these is optional. An option may change ``BOUNDS``, ``HYPERPARAMETERS`` and ``OPTIONS``, so read them from a
unit that is built, not from its class.
"""

from collections.abc import Callable

from torch import nn

from ..registry import Registry

UNITS: Registry[Callable[..., nn.Module]] = Registry("unit", __name__, "UNIT", published=True)


def check_sizes(in_features: int, out_features: int) -> None:
    """Raise ValueError unless both sizes are at least 1."""
    for name, size in (("in_features", in_features), ("out_features", out_features)):
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}.")


def check_eps(eps: float) -> None:
    """Raise ValueError if eps is negative."""
    if eps < 0:
        raise ValueError(f"eps must be at least 0, got {eps}.")
