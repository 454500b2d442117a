from itertools import product
from math import prod

import pytest
import torch

from models import BuildHead, ImageNetwork
from models.location_classifier import LocationClassifier, non_maximum_suppression, pool_counts, pool_products


def certain(*read: int, highest: int = 9) -> torch.Tensor:
    """Probabilities of locations in a row, each sure of what it reads."""
    probabilities = torch.zeros(1, highest + 1, 1, len(read))
    for location, number in enumerate(read):
        probabilities[0, number, 0, location] = 1
    return probabilities


@pytest.mark.parametrize("read", [(0,), (7,), (0, 3, 3, 9, 0), (9,) * 1000])
def test_the_sum_of_pooled_counts_is_the_sum_of_the_numbers_read(read: tuple[int, ...]) -> None:
    found = pool_counts(certain(*read))
    assert found.shape == (1, 9)
    assert found[0].tolist() == [sum(number >= k for number in read) for k in range(1, 10)]
    assert found.sum() == sum(read)


@pytest.mark.parametrize("read", [(0,), (7,), (0, 3, 2, 9, 0), (1, 1), (2,) * 20])
def test_the_product_of_pooled_products_is_the_product_of_the_numbers_read(read: tuple[int, ...]) -> None:
    found = pool_products(certain(*read))
    assert found.shape == (1, 9)
    assert found.prod() == prod(number for number in read if number)


def test_uncertain_locations_add_their_expected_number() -> None:
    probabilities = torch.rand(3, 5, 4, 6, generator=torch.Generator().manual_seed(0)).softmax(1)
    expected = torch.einsum("bkhw,k->b", probabilities, torch.arange(5.0))
    torch.testing.assert_close(pool_counts(probabilities).sum(1), expected)


def seen(confidence: list[list[float]], number: int = 2, highest: int = 3) -> torch.Tensor:
    """Logits of locations that see a number with that confidence."""
    logits = torch.full((1, highest + 1, len(confidence), len(confidence[0])), -30.0)
    logits[0, 0], logits[0, number] = 0, torch.tensor(confidence)
    return logits


def classify(logits: torch.Tensor, *, training: bool = True) -> torch.Tensor:
    classifier = LocationClassifier(1, logits.shape[1] - 1).train(training)
    classifier.logits = torch.nn.Identity()  # type: ignore[assignment]
    return classifier(logits)


def test_an_untrained_classifier_returns_probabilities_and_reads_mostly_nothing() -> None:
    torch.manual_seed(0)
    probabilities = LocationClassifier(8, 9)(torch.randn(2, 8, 3, 4))
    assert probabilities.shape == (2, 10, 2, 2)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2, 2, 2))
    assert probabilities[:, 0].mean() > 0.7


def test_the_most_confident_location_keeps_its_softmax() -> None:
    probabilities = classify(seen([[0, 1, 0, 0]]))
    torch.testing.assert_close(probabilities[0, :, 0, 0], torch.tensor([0.0, -30, 1, -30]).softmax(0))


def test_non_maximum_suppression_equals_its_definition() -> None:
    logits = torch.randint(-2, 3, (3, 4, 9, 11), generator=torch.Generator().manual_seed(0)).float()
    confidence = (logits[:, 1:].amax(1) - logits[:, 0]).tolist()
    locations = list(product(range(9), range(11)))
    for found, sure in zip(non_maximum_suppression(logits)[:, 0], confidence, strict=True):
        for down, right in locations:
            suppressed = [
                (sure[y][x], (-y, -x)) > (sure[down][right], (-down, -right))  # of equals the first
                for y, x in locations
                if abs(y - down) <= 1 and abs(x - right) <= 1
            ]
            assert found[down, right] == (not any(suppressed))


@pytest.mark.parametrize("training", [True, False])
def test_one_object_seen_by_neighbouring_locations_is_read_once(training: bool) -> None:
    probabilities = classify(seen([[5, 6, 5, -9, 7], [-9, -9, 5, -9, -9]]), training=training)
    assert (probabilities[0, 0] < 0.5).tolist() == [[True, False, True]]
    assert pool_counts(probabilities)[0, 0] == pytest.approx(2, abs=0.1)
    assert pool_counts(classify(seen([[5, 6, 7]]), training=training))[0, 0] == pytest.approx(1, abs=0.1)


def test_a_suppressed_location_gets_no_gradient() -> None:
    logits = seen([[5, 6, -9]]).requires_grad_()
    classify(logits)[:, 1:].square().sum().backward()
    assert logits.grad is not None
    assert logits.grad[0, :, 0, 0].abs().max() == 0
    assert logits.grad[0, :, 0, 1].abs().max() > 0


def test_a_plateau_is_read_once_however_large() -> None:
    flat = torch.full((12, 20), -9.0)
    flat[2:9, 3:18] = 4
    assert pool_counts(classify(seen(flat.tolist()), training=False))[0].tolist() == [1, 1, 0]


def test_in_evaluation_a_location_decides_for_its_most_likely_class() -> None:
    probabilities = classify(torch.tensor([0.3, 0.2, 0.4, 0.1]).view(1, 4, 1, 1), training=False)
    assert probabilities.flatten().tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("training", [True, False])
def test_empty_locations_read_nothing_however_many_there_are(training: bool) -> None:
    assert pool_counts(classify(seen([[-30.0] * 500]), training=training)).sum() <= (1e-6 if training else 0)


@pytest.mark.parametrize(("unit", "pool"), [("NAU", "count"), ("NAC", "count"), ("NMU", "product")])
def test_a_head_sees_pooled_locations(unit: str, pool: str) -> None:
    torch.manual_seed(0)
    cnn = torch.nn.Conv2d(1, 6, 3, padding=1)
    head = BuildHead(cnn, 6, [4], "regression", 1, unit, pool=pool)  # type: ignore[arg-type]
    x = torch.rand(3, 1, 8, 8)
    assert head.maps(x).shape == (3, 5, 4, 4)
    assert head.features(x).shape == (3, 4)
    torch.testing.assert_close(head(x), head.head(head.pooled(head.maps(x))))


@pytest.mark.parametrize("move", [(8, -8), (16, 24)])
def test_an_image_of_its_own_size_is_read_wherever_its_content_lies(move: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = ImageNetwork(
        "regression", 1, "NAU", hidden_dims=(3,), height=None, width=None, contrast="strokes", backbone="local",
        pool="count",
    ).eval()  # fmt: skip
    small = torch.zeros(1, 1, 128, 128, dtype=torch.uint8)
    small[..., 56:72, 56:72] = torch.randint(100, 255, (16, 16), dtype=torch.uint8)
    classifier = network.network.project
    assert isinstance(classifier, LocationClassifier)
    with torch.no_grad():
        pixels = network.pixels(torch.cat([small, torch.zeros_like(small)]))
        logits = classifier.logits(network.network.conv_model(pixels))
        surest, surest_of_nothing = (logits[:, 1:].amax(1) - logits[:, 0]).amax((1, 2))
        assert classifier.logits.bias is not None
        classifier.logits.bias[0] += (surest + surest_of_nothing) / 2
    moved = small.roll(move, (2, 3))
    assert network(torch.zeros_like(small)) == 0
    assert network(small) != 0
    torch.testing.assert_close(network(moved), network(small), rtol=1e-4, atol=1e-4)
