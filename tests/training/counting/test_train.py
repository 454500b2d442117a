import numpy as np
import pytest
import torch
from torch import nn

from models.location_classifier import LocationClassifier
from training.counting import train
from training.counting.aggregate_target import COUNT, PRODUCT, SUM, AggregateTarget
from training.counting.location_training import CountingTraining, snap_head
from training.counting.scene_sampling import Digits, draw_test_scenes
from training.counting.train import build_counting_network, mlp_head, train_counting_network, with_head


def shapes() -> Digits:
    """Two things that are easily told apart and stand for 1 and 2: a square, and a bar."""
    images = np.zeros((2, 28, 28), np.uint8)
    images[0, 8:20, 8:20] = 255
    images[1, 4:24, 12:16] = 255
    return Digits(images, np.array([1, 2], np.uint8))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "count", "epochs"), [(SUM, 12, 20), (COUNT, 12, 12), (PRODUCT, 10, 12)], ids=["sum", "count", "product"]
)
def test_totals_learned_from_a_few_things_hold_for_many(
    target: AggregateTarget, count: int, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "STEPS", 8)
    monkeypatch.setattr(train, "BATCH_SIZE", 8)
    monkeypatch.setattr(train, "SNAP_IMAGES", 64)
    network = train_counting_network(target, shapes(), seed=0, epochs=epochs)
    drawn = draw_test_scenes(shapes(), count, 20, seed=0)
    with torch.no_grad():
        predicted = network(torch.from_numpy(drawn.images))[:, 0].double().numpy()
    assert np.isclose(predicted, target.label(drawn), rtol=0.05).mean() >= 0.85  # of so short a training


def test_no_gradient_of_a_head_reaches_the_locations() -> None:
    training = CountingTraining(build_counting_network(SUM).network, {"MLP": mlp_head(9, 0)})
    probabilities, outputs = training(torch.rand(2, 1, 32, 64))
    assert probabilities.shape == (2, 10, 2, 4)
    assert outputs.shape == (2, 2)
    outputs.sum().backward()
    assert all(weight.grad is None for weight in training.network.conv_model.parameters())
    assert all(weight.grad is not None for head in training.others.values() for weight in head.parameters())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("weight", "truth", "rounded"), [(0.97, 1.0, True), (0.8, 1.0, True), (0.3, 1.0, True), (0.97, 0.97, False)]
)
def test_weights_are_rounded_where_the_images_do_not_object(weight: float, truth: float, rounded: bool) -> None:
    torch.manual_seed(0)
    network = build_counting_network(COUNT).eval()
    assert isinstance(network.network.project, LocationClassifier)
    with torch.no_grad():
        assert network.network.project.logits.bias is not None
        network.network.project.logits.bias[0] -= 8  # something is read nearly everywhere
    images = list(draw_test_scenes(shapes(), 2, 64, seed=0).images)
    with torch.no_grad():
        pixels = network.pixels(torch.from_numpy(np.stack(images)))
        totals = truth * network.network.features(pixels)[:, 0].double()
        [parameter] = network.network.head.parameters()
        parameter.fill_(weight)
    assert snap_head(network, images, totals) is rounded
    assert parameter.item() == pytest.approx(1.0 if rounded else weight)


def test_the_same_network_with_another_head_shares_nothing_with_it() -> None:
    network = build_counting_network(SUM).eval()
    other = with_head(network, nn.Linear(9, 1))
    with torch.no_grad():
        for weight in other.parameters():
            weight.zero_()
    assert any(weight.abs().max() > 0 for weight in network.parameters())
