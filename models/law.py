"""Law: a network of products of powers, sums of those, and powers of the sums. Every found law is one.

It is the log-linear unit (magnitudes by exponents, signs by a parity of their own), an additive layer with fitted
constants, and a second multiplicative unit on top. One product with a constant, a sum of terms, a quotient or product
of sums are all cases of it. Its columns may be followed by features, functions of other laws, as in
``a / (exp(b * c) - 1)``. It is fitted by ``training.symbolic`` and not by gradient descent; for a unit that is, see
``units.amu``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .functions import BINARY, FUNCTIONS
from .lookup import Lookup


class Law(nn.Module):
    """``y = prod_k (sum_j C_kj prod_i z_i ** W_ji) ** V_k``, exact in float64; z are the columns x, then the features.

    A power of a negative z is ``|z| ** W`` times ``negative``: 1 or -1, as the exponent is even or odd, and nan
    where no such input was ever seen and none can have that power, as with a square root.

    Args:
        in_features: columns.
        terms: products of powers, at least 1.
        sums: sums of those, at least 1; the answer is the product of their powers.
        features: a configuration of each ``Feature``: ``{"function": "exp", "arguments": [configuration of a law]}``,
            or of a ``Lookup``: ``{"function": "lookup", "column": 0, "values": [1, 2, 3]}``.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., 1)``; not finite where the law is not, as in a division by zero or the logarithm of one.
        W, negative: ``(terms, in_features + features)``. C: ``(sums, terms)``. V: ``(sums,)``.

    Raises:
        ValueError: a size is below 1; or a feature's function is unknown, or has not as many arguments.
    """

    W: Tensor
    negative: Tensor
    C: Tensor
    V: Tensor

    def __init__(self, in_features: int, terms: int, sums: int, features: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__()
        for name, size in (("in_features", in_features), ("terms", terms), ("sums", sums)):
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}.")
        config: dict[str, Any] = {"in_features": in_features, "terms": terms, "sums": sums}
        if features:
            config["features"] = [dict(feature) for feature in features]
        self.config = config  # annotated apart, as TorchScript warns of annotated attributes
        self.features = nn.ModuleList(_feature(feature) for feature in features)
        width = in_features + len(features)
        self.W = nn.Parameter(torch.zeros(terms, width, dtype=torch.float64))
        self.C = nn.Parameter(torch.zeros(sums, terms, dtype=torch.float64))
        self.V = nn.Parameter(torch.ones(sums, dtype=torch.float64))
        self.register_buffer("negative", torch.ones(terms, width, dtype=torch.float64))

    @property
    def dims(self) -> list[int]:
        """Widths of the layers: columns, terms, sums, 1."""
        return [self.config["in_features"], self.config["terms"], self.config["sums"], 1]

    @property
    def used(self) -> Tensor:
        """Which columns and features matter, ``(in_features + features,)``."""
        return ((self.W != 0) | (self.negative != 1)).any(0)

    def forward(self, x: Tensor) -> Tensor:
        used = self.used  # of a wide table few are, and every term takes memory for each
        column = with_features(x, self.features)[..., used].unsqueeze(-2)
        factors = column.abs() ** self.W[:, used] * torch.where(column < 0, self.negative[:, used], 1.0)
        sums = functional.linear(factors.prod(-1), self.C)
        return (sums**self.V).prod(-1, keepdim=True)

    def simplified(self) -> "SimplifiedLaw":
        """The same function, for export."""
        return SimplifiedLaw(self)


def _feature(config: Mapping[str, Any]) -> nn.Module:
    return Lookup(**config) if config["function"] == "lookup" else Feature(**config)


class Feature(nn.Module):
    """A function of one law, or of two, as a column of another.

    Args:
        function: a name out of ``functions.FUNCTIONS``.
        arguments: configurations of the laws, of the table's columns.

    Shape:
        x: ``(..., in_features)``. y: ``(..., 1)``.
    """

    def __init__(self, function: str, arguments: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        if function not in FUNCTIONS:
            raise ValueError(f"The function of a feature must be one of {', '.join(FUNCTIONS)}, got {function!r}.")
        if len(arguments) != 1 + (function in BINARY):
            raise ValueError(f"{function} has {1 + (function in BINARY)} arguments, got {len(arguments)}.")
        self.function = function
        self.arguments = nn.ModuleList(Law(**argument) for argument in arguments)

    def forward(self, x: Tensor) -> Tensor:
        return FUNCTIONS[self.function](*[law(x) for law in self.arguments])


class SimplifiedLaw(nn.Module):
    """A law without operators that its constants make superfluous: a product of whole powers is three, not ten.

    Args:
        law: the law as it was found; it is not to change any more.

    Shape:
        As ``Law``.
    """

    def __init__(self, law: Law) -> None:
        super().__init__()
        self.law = law
        self.features = nn.ModuleList(
            feature if isinstance(feature, Lookup) else _SimplifiedFeature(feature) for feature in law.features
        )
        self.whole = bool((law.W.round() == law.W).all())
        self.one_product = law.C.tolist() == [[1.0]]
        self.one_sum = law.V.tolist() == [1.0]
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        law, column = self.law, with_features(x, self.features).unsqueeze(-2)
        signs = torch.where(column < 0, law.negative, 1.0)
        factors = column**law.W if self.whole else column.abs() ** law.W * signs
        products = factors.prod(-1)
        sums = products if self.one_product else functional.linear(products, law.C)
        return sums if self.one_sum else (sums**law.V).prod(-1, keepdim=True)


class _SimplifiedFeature(nn.Module):
    def __init__(self, feature: Any) -> None:
        super().__init__()
        self.function = feature.function
        self.arguments = nn.ModuleList(SimplifiedLaw(law) for law in feature.arguments)

    def forward(self, x: Tensor) -> Tensor:
        return FUNCTIONS[self.function](*[law(x) for law in self.arguments])


def with_features(x: Tensor, features: nn.ModuleList) -> Tensor:
    """Columns ``(..., in_features)`` followed by the features of them, ``(..., in_features + features)``."""
    return torch.cat([x, *[feature(x) for feature in features]], -1) if len(features) else x
