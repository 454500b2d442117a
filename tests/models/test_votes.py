from math import prod

import pytest
import torch

from models import BuildHead, PictureNetwork
from models.votes import Votes, add_votes, multiply_votes


def certain(*read: int, highest: int = 9) -> torch.Tensor:
    """Votes of places in a row, each sure of what it reads."""
    votes = torch.zeros(1, highest + 1, 1, len(read))
    for place, number in enumerate(read):
        votes[0, number, 0, place] = 1
    return votes


@pytest.mark.parametrize("read", [(0,), (7,), (0, 3, 3, 9, 0), (9,) * 1000])
def test_the_sum_of_added_votes_is_the_sum_of_what_was_read(read: tuple[int, ...]) -> None:
    found = add_votes(certain(*read))
    assert found.shape == (1, 9)
    assert found[0].tolist() == [sum(number >= k for number in read) for k in range(1, 10)]
    assert found.sum() == sum(read)


@pytest.mark.parametrize("read", [(0,), (7,), (0, 3, 2, 9, 0), (1, 1), (2,) * 20])
def test_the_product_of_multiplied_votes_is_the_product_of_what_was_read(read: tuple[int, ...]) -> None:
    found = multiply_votes(certain(*read))
    assert found.shape == (1, 9)
    assert found.prod() == prod(number for number in read if number)


def test_uncertain_votes_add_what_is_expected_of_them() -> None:
    votes = torch.rand(3, 5, 4, 6, generator=torch.Generator().manual_seed(0)).softmax(1)
    expected = torch.einsum("bkhw,k->b", votes, torch.arange(5.0))
    torch.testing.assert_close(add_votes(votes).sum(1), expected)


def test_votes_are_probabilities_and_begin_by_reading_mostly_nothing() -> None:
    torch.manual_seed(0)
    votes = Votes(8, 9)(torch.randn(2, 8, 3, 4))
    assert votes.shape == (2, 10, 3, 4)
    torch.testing.assert_close(votes.sum(1), torch.ones(2, 3, 4))
    assert votes[:, 0].mean() > 0.7


def test_in_evaluation_every_place_decides_for_its_most_likely_reading() -> None:
    torch.manual_seed(0)
    votes, maps = Votes(8, 9), 20 * torch.randn(2, 8, 3, 4)
    expected = torch.nn.functional.one_hot(votes(maps).argmax(1), 10).movedim(3, 1)
    decided = votes.eval()(maps)
    assert torch.equal(decided, expected.float())


@pytest.mark.parametrize(("unit", "pool"), [("NAU", "add-votes"), ("NAC", "add-votes"), ("NMU", "multiply-votes")])
def test_a_head_sees_pooled_votes(unit: str, pool: str) -> None:
    torch.manual_seed(0)
    cnn = torch.nn.Conv2d(1, 6, 3, padding=1)
    head = BuildHead(cnn, 6, [4], "regression", 1, unit, pool=pool)  # type: ignore[arg-type]
    x = torch.rand(3, 1, 8, 8)
    assert head.maps(x).shape == (3, 5, 8, 8)
    assert head.features(x).shape == (3, 4)
    torch.testing.assert_close(head(x), head.head(head.pooled(head.maps(x))))


def test_a_picture_of_its_own_size_is_read_wherever_its_content_lies() -> None:
    torch.manual_seed(0)
    network = PictureNetwork(
        "regression", 1, "NAU", hidden_dims=(3,), height=None, width=None, contrast="strokes", backbone="local",
        pool="add-votes",
    ).eval()  # fmt: skip
    small = torch.zeros(1, 1, 96, 96, dtype=torch.uint8)
    small[..., 40:56, 40:56] = torch.randint(100, 255, (16, 16), dtype=torch.uint8)
    moved = small.roll((16, -16), (2, 3))
    torch.testing.assert_close(network(moved), network(small), rtol=1e-4, atol=1e-4)
