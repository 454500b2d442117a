import numpy as np
import pytest
import torch
from torch import nn

from models.location_classifier import Votes
from training.counting import train
from training.counting.location_training import Voting, snap_head
from training.counting.scenes import Digits, canvases_of
from training.counting.totals import COUNT, PRODUCT, SUM
from training.counting.train import build, mlp_head, train_total, with_head


def shapes() -> Digits:
    """Two things that are easily told apart and stand for 1 and 2: a square, and a bar."""
    pictures = np.zeros((2, 28, 28), np.uint8)
    pictures[0, 8:20, 8:20] = 255
    pictures[1, 4:24, 12:16] = 255
    return Digits(pictures, np.array([1, 2], np.uint8))


@pytest.mark.parametrize(("total", "count"), [(SUM, 12), (COUNT, 12), (PRODUCT, 10)], ids=["sum", "count", "product"])
def test_totals_learned_from_a_few_things_hold_for_many(
    total: train.Total, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "STEPS", 12)
    monkeypatch.setattr(train, "BATCH_SIZE", 16)
    network = train_total(total, shapes(), seed=0, epochs=30)
    drawn = canvases_of(shapes(), count, 20, seed=0)
    with torch.no_grad():
        said = network(torch.from_numpy(drawn.pictures))[:, 0].double().numpy()
    assert np.isclose(said, total.of(drawn), rtol=0.05).mean() >= 0.85  # of so short a training


def test_a_head_cannot_bend_what_the_places_read() -> None:
    voting = Voting(build(SUM).network, {"MLP": mlp_head(9, 0)})
    votes, answers = voting(torch.rand(2, 1, 32, 64))
    assert votes.shape == (2, 10, 2, 4)
    assert answers.shape == (2, 2)
    answers.sum().backward()
    assert all(weight.grad is None for weight in voting.network.conv_model.parameters())
    assert all(weight.grad is not None for head in voting.others.values() for weight in head.parameters())


@pytest.mark.parametrize(
    ("weight", "truth", "rounded"), [(0.97, 1.0, True), (0.8, 1.0, True), (0.3, 1.0, True), (0.97, 0.97, False)]
)
def test_weights_are_rounded_where_the_pictures_do_not_object(weight: float, truth: float, rounded: bool) -> None:
    torch.manual_seed(0)
    network = build(COUNT).eval()
    assert isinstance(network.network.project, Votes)
    with torch.no_grad():
        assert network.network.project.logits.bias is not None
        network.network.project.logits.bias[0] -= 8  # something is read nearly everywhere
    pictures = list(canvases_of(shapes(), 2, 64, seed=0).pictures)
    with torch.no_grad():
        pixels = network.pixels(torch.from_numpy(np.stack(pictures)))
        totals = truth * network.network.features(pixels)[:, 0].double()
        [parameter] = network.network.head.parameters()
        parameter.fill_(weight)
    assert snap_head(network, pictures, totals) is rounded
    assert parameter.item() == pytest.approx(1.0 if rounded else weight)


def test_the_same_network_with_another_head_shares_nothing_with_it() -> None:
    network = build(SUM).eval()
    other = with_head(network, nn.Linear(9, 1))
    with torch.no_grad():
        for weight in other.parameters():
            weight.zero_()
    assert any(weight.abs().max() > 0 for weight in network.parameters())
