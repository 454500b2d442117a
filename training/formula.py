"""The expression that a network computes, where it computes one for every input."""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from models.networks import Network
from models.units.nac import NAC

EXACT_WITHIN = 1e-6
"""A weight counts as the integer that it is this close to: the error that the default sums are held to."""


def formula(network: Network, columns: Sequence[str]) -> str | None:
    """The formula of a network of one output, such as ``"a - b"``, or None.

    Only networks of NAC have one, when all their weights are -1, 0 or 1 within 1e-6. A NALU's gate depends on the
    input, so what it computes holds where it was trained and no formula can be promised beyond.
    """
    layers = [layer for layer in network if isinstance(layer, NAC)]
    if len(layers) != len(network) or layers[-1].out_features != 1:
        return None
    with torch.no_grad():
        weights: Tensor = reduce(lambda product, layer: layer.W @ product, layers[1:], layers[0].W)[0]
    whole = weights.round()
    if (weights - whole).abs().max() > EXACT_WITHIN:
        return None
    return _sum_of_terms([int(weight) for weight in whole], columns)


def _sum_of_terms(weights: Sequence[int], columns: Sequence[str]) -> str:
    terms = [
        (weight, column if abs(weight) == 1 else f"{abs(weight)} * {column}")
        for weight, column in zip(weights, columns, strict=True)
        if weight
    ]
    if not terms:
        return "0"
    first, *rest = terms
    text = first[1] if first[0] > 0 else f"-{first[1]}"
    return text + "".join(f" {'+' if weight > 0 else '-'} {term}" for weight, term in rest)
