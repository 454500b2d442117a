from itertools import product
from math import prod

import pytest
import torch

from models import BuildHead, PictureNetwork
from models.location_classifier import Votes, add_votes, multiply_votes, peaks


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
    """Logits of places that see a number as surely as said."""
    logits = torch.full((1, highest + 1, len(surety), len(surety[0])), -30.0)
    logits[0, 0], logits[0, number] = 0, torch.tensor(surety)
    return logits


def votes_of(logits: torch.Tensor, *, training: bool = True) -> torch.Tensor:
    votes = Votes(1, logits.shape[1] - 1).train(training)
    votes.logits = torch.nn.Identity()  # type: ignore[assignment]
    return votes(logits)


def test_votes_are_probabilities_and_begin_by_reading_mostly_nothing() -> None:
    torch.manual_seed(0)
    votes = Votes(8, 9)(torch.randn(2, 8, 3, 4))
    assert votes.shape == (2, 10, 2, 2)
    torch.testing.assert_close(votes.sum(1), torch.ones(2, 2, 2))
    assert votes[:, 0].mean() > 0.7


def test_the_vote_of_the_surest_place_is_the_softmax_of_what_it_sees() -> None:
    votes = votes_of(seen([[0, 1, 0, 0]]))
    torch.testing.assert_close(votes[0, :, 0, 0], torch.tensor([0.0, -30, 1, -30]).softmax(0))


def test_peaks_are_those_of_the_definition() -> None:
    logits = torch.randint(-2, 3, (3, 4, 9, 11), generator=torch.Generator().manual_seed(0)).float()
    surety = (logits[:, 1:].amax(1) - logits[:, 0]).tolist()
    places = list(product(range(9), range(11)))
    for found, sure in zip(peaks(logits)[:, 0], surety, strict=True):
        for down, right in places:
            outdone = [
                (sure[y][x], (-y, -x)) > (sure[down][right], (-down, -right))  # of equals the first
                for y, x in places
                if abs(y - down) <= 1 and abs(x - right) <= 1
            ]
            assert found[down, right] == (not any(outdone))


@pytest.mark.parametrize("training", [True, False])
def test_what_places_near_each_other_see_is_read_once(training: bool) -> None:
    votes = votes_of(seen([[5, 6, 5, -9, 7], [-9, -9, 5, -9, -9]]), training=training)
    assert (votes[0, 0] < 0.5).tolist() == [[True, False, True]]
    assert add_votes(votes)[0, 0] == pytest.approx(2, abs=0.1)
    assert add_votes(votes_of(seen([[5, 6, 7]]), training=training))[0, 0] == pytest.approx(1, abs=0.1)


def test_a_place_that_is_outdone_learns_nothing() -> None:
    logits = seen([[5, 6, -9]]).requires_grad_()
    votes_of(logits)[:, 1:].square().sum().backward()
    assert logits.grad is not None
    assert logits.grad[0, :, 0, 0].abs().max() == 0
    assert logits.grad[0, :, 0, 1].abs().max() > 0


def test_something_flat_is_read_once_however_large() -> None:
    flat = torch.full((12, 20), -9.0)
    flat[2:9, 3:18] = 4
    assert add_votes(votes_of(seen(flat.tolist()), training=False))[0].tolist() == [1, 1, 0]


def test_in_evaluation_a_place_decides_for_its_most_likely_reading() -> None:
    votes = votes_of(torch.tensor([0.3, 0.2, 0.4, 0.1]).view(1, 4, 1, 1), training=False)
    assert votes.flatten().tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("training", [True, False])
def test_empty_places_read_nothing_however_many_there_are(training: bool) -> None:
    assert add_votes(votes_of(seen([[-30.0] * 500]), training=training)).sum() <= (1e-6 if training else 0)


@pytest.mark.parametrize(("unit", "pool"), [("NAU", "add-votes"), ("NAC", "add-votes"), ("NMU", "multiply-votes")])
def test_a_head_sees_pooled_votes(unit: str, pool: str) -> None:
    torch.manual_seed(0)
    cnn = torch.nn.Conv2d(1, 6, 3, padding=1)
    head = BuildHead(cnn, 6, [4], "regression", 1, unit, pool=pool)  # type: ignore[arg-type]
    x = torch.rand(3, 1, 8, 8)
    assert head.maps(x).shape == (3, 5, 4, 4)
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
    votes = network.network.project
    assert isinstance(votes, Votes)
    with torch.no_grad():
        pixels = network.pixels(torch.cat([small, torch.zeros_like(small)]))
        logits = votes.logits(network.network.conv_model(pixels))
        surest, surest_of_nothing = (logits[:, 1:].amax(1) - logits[:, 0]).amax((1, 2))
        assert votes.logits.bias is not None
        votes.logits.bias[0] += (surest + surest_of_nothing) / 2
    moved = small.roll(move, (2, 3))
    assert network(torch.zeros_like(small)) == 0
    assert network(small) != 0
    torch.testing.assert_close(network(moved), network(small), rtol=1e-4, atol=1e-4)
