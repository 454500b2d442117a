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


def seen(surety: list[list[float]], number: int = 2, highest: int = 3) -> torch.Tensor:
    """Maps of places that see a number as surely as said, for votes that take them as they are."""
    maps = torch.zeros(1, highest + 1, len(surety), len(surety[0]))
    maps[0, number] = torch.tensor(surety)
    return maps


def as_they_are(highest: int = 3) -> Votes:
    """Votes whose logits are the maps."""
    votes = Votes(highest + 1, highest)
    with torch.no_grad():
        votes.logits.weight.copy_(torch.eye(highest + 1)[:, :, None, None])
        assert votes.logits.bias is not None
        votes.logits.bias.zero_()
    return votes


def test_votes_are_probabilities_and_begin_by_reading_mostly_nothing() -> None:
    torch.manual_seed(0)
    votes = Votes(8, 9)(torch.randn(2, 8, 3, 4))
    assert votes.shape == (2, 10, 3, 4)
    torch.testing.assert_close(votes.sum(1), torch.ones(2, 3, 4))
    assert votes[:, 0].mean() > 0.7


def test_the_vote_of_a_place_that_is_surer_than_its_neighbours_is_the_softmax_of_what_it_sees() -> None:
    votes = as_they_are()(seen([[0, 1, 0, 0]]))
    torch.testing.assert_close(votes[0, :, 0, 1], torch.tensor([0.0, 0, 1, 0]).softmax(0))


@pytest.mark.parametrize("training", [True, False])
def test_what_neighbouring_places_see_is_read_once(training: bool) -> None:
    votes = as_they_are().train(training)(seen([[5, 6, 5, -9], [-9, 5, -9, -9], [-9, -9, -9, 7]]))
    reading = votes[0, 0] < 1
    assert reading.nonzero().tolist() == [[0, 1], [2, 3]]
    assert votes[0, 0, 0, 0] == 1


def test_a_place_that_is_outdone_learns_nothing() -> None:
    maps = seen([[5, 6, -9]]).requires_grad_()
    as_they_are()(maps)[:, 1:].square().sum().backward()
    assert maps.grad is not None
    assert maps.grad[0, :, 0, 0].abs().max() == 0
    assert maps.grad[0, :, 0, 1].abs().max() > 0


def test_of_equally_sure_neighbours_all_read() -> None:
    votes = as_they_are().eval()(seen([[4, 4, -9]]))
    assert votes[0, 2, 0].tolist() == [1, 1, 0]


def test_in_evaluation_a_place_decides_for_its_most_likely_reading() -> None:
    votes = as_they_are().eval()(torch.tensor([0.3, 0.2, 0.4, 0.1]).view(1, 4, 1, 1))
    assert votes.flatten().tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("training", [True, False])
def test_empty_places_read_nothing_however_many_there_are(training: bool) -> None:
    votes = as_they_are().train(training)(seen([[-30.0] * 500]) + torch.tensor([30.0, 0, 0, 0]).view(1, 4, 1, 1))
    assert add_votes(votes).sum() <= (1e-6 if training else 0)


@pytest.mark.parametrize(("unit", "pool"), [("NAU", "add-votes"), ("NAC", "add-votes"), ("NMU", "multiply-votes")])
def test_a_head_sees_pooled_votes(unit: str, pool: str) -> None:
    torch.manual_seed(0)
    cnn = torch.nn.Conv2d(1, 6, 3, padding=1)
    head = BuildHead(cnn, 6, [4], "regression", 1, unit, pool=pool)  # type: ignore[arg-type]
    x = torch.rand(3, 1, 8, 8)
    assert head.maps(x).shape == (3, 5, 8, 8)
    assert head.features(x).shape == (3, 4)
    torch.testing.assert_close(head(x), head.head(head.pooled(head.maps(x))))


@pytest.mark.parametrize("move", [(8, -8), (16, 24)])
def test_a_picture_of_its_own_size_is_read_wherever_its_content_lies(move: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = PictureNetwork(
        "regression", 1, "NAU", hidden_dims=(3,), height=None, width=None, contrast="strokes", backbone="local",
        pool="add-votes",
    ).eval()  # fmt: skip
    small = torch.zeros(1, 1, 128, 128, dtype=torch.uint8)
    small[..., 56:72, 56:72] = torch.randint(100, 255, (16, 16), dtype=torch.uint8)
    assert isinstance(network.network.project, Votes)
    with torch.no_grad():
        logits = network.network.project.logits(network.network.conv_model(network.pixels(small)))
        surety = logits[:, 1:].amax(1) - logits[:, 0]
        assert network.network.project.logits.bias is not None
        network.network.project.logits.bias[0] += (
            surety[0, 0, 0] + surety.max()
        ) / 2  # something is seen, emptiness not
    moved = small.roll(move, (2, 3))
    assert network(torch.zeros_like(small)) == 0
    assert network(small) != 0
    torch.testing.assert_close(network(moved), network(small), rtol=1e-4, atol=1e-4)
