"""Law: a network of products of powers, sums of those, and powers of the sums. Every found law is one.

It is the log-linear unit (magnitudes by exponents, signs by a parity of their own), an additive layer with fitted
constants, and a second multiplicative unit on top. One product with a constant, a sum of terms, a quotient or product
of sums are all cases of it. It is fitted by ``training.symbolic`` and not by gradient descent; for a unit that is, see
``models.units.amu``.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Law(nn.Module):
    """``y = prod_k (sum_j C_kj prod_i x_i ** W_ji) ** V_k``, exact in float64.

    A power of a negative input is ``|x| ** W`` times ``negative``: 1 or -1, as the exponent is even or odd, and nan
    where no such input was ever seen and none can have that power, as with a square root.

    Args:
        in_features: columns.
        terms: products of powers, at least 1.
        sums: sums of those, at least 1; the answer is the product of their powers.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., 1)``; not finite where the law is not, as in a division by zero.
        W, negative: ``(terms, in_features)``. C: ``(sums, terms)``. V: ``(sums,)``.

    Raises:
        ValueError: a size is below 1.
    """

    W: Tensor
    negative: Tensor
    C: Tensor
    V: Tensor

    def __init__(self, in_features: int, terms: int, sums: int) -> None:
        super().__init__()
        for name, size in (("in_features", in_features), ("terms", terms), ("sums", sums)):
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}.")
        config: dict[str, Any] = {"in_features": in_features, "terms": terms, "sums": sums}
        self.config = config  # annotated apart, as TorchScript warns of annotated attributes
        self.W = nn.Parameter(torch.zeros(terms, in_features, dtype=torch.float64))
        self.C = nn.Parameter(torch.zeros(sums, terms, dtype=torch.float64))
        self.V = nn.Parameter(torch.ones(sums, dtype=torch.float64))
        self.register_buffer("negative", torch.ones(terms, in_features, dtype=torch.float64))

    @property
    def dims(self) -> list[int]:
        """Widths of the layers: columns, terms, sums, 1."""
        return [*self.config.values(), 1]

    @property
    def used(self) -> Tensor:
        """Which columns matter, ``(in_features,)``."""
        return ((self.W != 0) | (self.negative != 1)).any(0)

    def forward(self, x: Tensor) -> Tensor:
        used = self.used  # of a wide table few are, and every term takes memory for each
        column = x[..., used].unsqueeze(-2)
        factors = column.abs() ** self.W[:, used] * torch.where(column < 0, self.negative[:, used], 1.0)
        sums = functional.linear(factors.prod(-1), self.C)
        return (sums**self.V).prod(-1, keepdim=True)

    def simplified(self) -> "SimplifiedLaw":
        """The same function, for export."""
        return SimplifiedLaw(self)


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
        self.whole = bool((law.W.round() == law.W).all())
        self.one_product = law.C.tolist() == [[1.0]]
        self.one_sum = law.V.tolist() == [1.0]
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        law, column = self.law, x.unsqueeze(-2)
        signs = torch.where(column < 0, law.negative, 1.0)
        factors = column**law.W if self.whole else column.abs() ** law.W * signs
        products = factors.prod(-1)
        sums = products if self.one_product else functional.linear(products, law.C)
        return sums if self.one_sum else (sums**law.V).prod(-1, keepdim=True)
