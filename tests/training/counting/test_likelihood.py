from itertools import product
from math import prod

import pytest
import torch
from torch import Tensor

from training.counting.likelihood import LEAST, TotalLikelihood
from training.counting.totals import PRODUCT, SUM, Total


def enumerated(votes: Tensor, total: float, combine: object) -> float:
    """The likelihood by going through everything that the places may have read."""
    places = votes.flatten(1).T
    likely = 0.0
    for read in product(range(places.shape[1]), repeat=len(places)):
        if combine(read) == total:  # type: ignore[operator]
            likely += prod(float(places[i, k]) for i, k in enumerate(read))
    return likely


def product_of(read: tuple[int, ...]) -> int:
    return prod(k for k in read if k)


@pytest.mark.parametrize(("total", "combine", "values"), [(SUM, sum, (0, 7, 18)), (PRODUCT, product_of, (1, 12, 72))])
def test_the_likelihood_of_a_total_equals_enumeration(total: Total, combine: object, values: tuple[int, ...]) -> None:
    votes = (3 * torch.randn(len(values), 10, 1, 2, generator=torch.Generator().manual_seed(0))).softmax(1)
    found = total.log_likelihood(votes, torch.tensor(values, dtype=torch.float64))
    expected = torch.tensor([enumerated(row, value, combine) for row, value in zip(votes, values, strict=True)])
    torch.testing.assert_close(found, (expected + LEAST).log(), rtol=1e-3, atol=1e-3)


def test_places_that_are_sure_make_their_total_certain_and_any_other_impossible() -> None:
    votes = torch.zeros(2, 10, 2, 2)
    for place, read in enumerate((0, 9, 0, 3)):
        votes[:, read, place // 2, place % 2] = 1
    right, wrong = TotalLikelihood([[k] for k in range(10)], [64])(votes, torch.tensor([[12], [11]])).tolist()
    assert right == pytest.approx(0, abs=1e-4)
    assert wrong < -9


def test_the_gradient_raises_the_vote_that_the_total_asks_for() -> None:
    logits = torch.zeros(1, 10, 1, 1, requires_grad=True)
    SUM.log_likelihood(logits.softmax(1), torch.tensor([4.0])).sum().backward()
    assert logits.grad is not None
    assert logits.grad.flatten().argmax() == 4
    assert (logits.grad.flatten() > 0).sum() == 1
