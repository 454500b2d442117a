from itertools import product
from math import prod

import pytest
import torch
from torch import Tensor

from training.counting.aggregate_target import PRODUCT, SUM, AggregateTarget
from training.counting.likelihood import MIN_LIKELIHOOD, AggregateLikelihood


def enumerated(probabilities: Tensor, target: float, combine: object) -> float:
    """The likelihood by going through every combination of classes of the locations."""
    locations = probabilities.flatten(1).T
    likely = 0.0
    for read in product(range(locations.shape[1]), repeat=len(locations)):
        if combine(read) == target:  # type: ignore[operator]
            likely += prod(float(locations[i, k]) for i, k in enumerate(read))
    return likely


def product_of(read: tuple[int, ...]) -> int:
    return prod(k for k in read if k)


@pytest.mark.parametrize(("target", "combine", "values"), [(SUM, sum, (0, 7, 18)), (PRODUCT, product_of, (1, 12, 72))])
def test_the_likelihood_of_an_aggregate_equals_enumeration(
    target: AggregateTarget, combine: object, values: tuple[int, ...]
) -> None:
    probabilities = (3 * torch.randn(len(values), 10, 1, 2, generator=torch.Generator().manual_seed(0))).softmax(1)
    found = target.log_likelihood(probabilities, torch.tensor(values, dtype=torch.float64))
    expected = torch.tensor([enumerated(row, value, combine) for row, value in zip(probabilities, values, strict=True)])
    torch.testing.assert_close(found, (expected + MIN_LIKELIHOOD).log(), rtol=1e-3, atol=1e-3)


def test_certain_locations_make_their_sum_certain_and_any_other_impossible() -> None:
    probabilities = torch.zeros(2, 10, 2, 2)
    for location, read in enumerate((0, 9, 0, 3)):
        probabilities[:, read, location // 2, location % 2] = 1
    right, wrong = AggregateLikelihood([[k] for k in range(10)], [64])(
        probabilities, torch.tensor([[12], [11]])
    ).tolist()
    assert right == pytest.approx(0, abs=1e-4)
    assert wrong < -9


def test_the_gradient_raises_the_class_that_the_sum_requires() -> None:
    logits = torch.zeros(1, 10, 1, 1, requires_grad=True)
    SUM.log_likelihood(logits.softmax(1), torch.tensor([4.0])).sum().backward()
    assert logits.grad is not None
    assert logits.grad.flatten().argmax() == 4
    assert (logits.grad.flatten() > 0).sum() == 1
