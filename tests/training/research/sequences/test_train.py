"""A run's pieces on tiny images of our own: digits drawn as so many bright rows."""

from dataclasses import replace
from itertools import combinations
from math import log, prod

import numpy as np
import pytest
import torch

from training.counting.likelihood import MIN_LIKELIHOOD
from training.data.mnist import Mnist
from training.research.sequences.digits import SHIFT, DigitImages, DigitSplit, RandomShift, normalise, split_digits
from training.research.sequences.network import build_cnn, read_digits, recalibrate_bn
from training.research.sequences.penalty import ROUNDING_DISTANCE, round_weights
from training.research.sequences.plan import Run
from training.research.sequences.recurrent_cell import build_cell
from training.research.sequences.run import run_once
from training.research.sequences.task import SEQUENCE_TASKS
from training.research.sequences.train import RunSettings, settings_for, train

SIDE = 12


def drawn(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images whose digit is the number of bright rows, with some noise."""
    numbers = np.random.default_rng(seed)
    labels = numbers.integers(0, 10, count).astype(np.uint8)
    rows = np.arange(SIDE)[None, :, None] < labels[:, None, None]
    return (rows * 200 + numbers.integers(0, 40, (count, SIDE, SIDE))).astype(np.uint8), labels


def small_mnist() -> Mnist:
    return *drawn(1200), *drawn(300, seed=1)


def test_the_last_training_digits_are_for_validation_and_no_digit_is_in_two_parts() -> None:
    mnist = small_mnist()
    parts = split_digits(mnist, validation=200)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [1000, 200, 300]
    np.testing.assert_array_equal(parts.validation.labels, mnist[1][1000:])
    np.testing.assert_array_equal(parts.test.images, mnist[2])


def test_products_are_of_the_digits_one_to_nine() -> None:
    parts = split_digits(small_mnist(), validation=200).of(SEQUENCE_TASKS["product"])
    for part in (parts.train, parts.validation, parts.test):
        assert part.labels.unique().tolist() == list(range(1, 10))
        assert len(part.images) == len(part)


def test_moved_images_are_the_same_images_elsewhere() -> None:
    torch.manual_seed(0)
    image = torch.zeros(1, SIDE, SIDE, dtype=torch.uint8)
    image[0, 5, 6] = 255
    digits = DigitImages(image, torch.tensor([3]))
    bright = {int(RandomShift(digits)(torch.tensor([0])).argmax()) for _ in range(60)}
    places = {row * SIDE + column for row in range(5 - SHIFT, 6 + SHIFT) for column in range(6 - SHIFT, 7 + SHIFT)}
    assert len(bright) > 1
    assert bright <= places


def test_settled_statistics_are_those_of_all_images_as_they_are() -> None:
    torch.manual_seed(0)
    digits = split_digits(small_mnist(), validation=200).train
    cnn = build_cnn(SEQUENCE_TASKS["sum"], SIDE)
    recalibrate_bn(cnn, digits)
    with torch.no_grad():
        features = cnn[1](cnn[0](normalise(digits.images)))
    np.testing.assert_allclose(cnn[2].running_mean, features.mean((0, 2, 3)), atol=1e-4)
    assert not cnn.training


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "seed"), [("NAU", 0), ("NAU on classes", 1)])
def test_a_cnn_learns_digits_from_their_sums_alone(unit: str, seed: int) -> None:
    parts = split_digits((*drawn(700), *drawn(300, seed=1)), validation=200)
    settings = RunSettings(epochs=25, batch_size=50)
    model = train(SEQUENCE_TASKS["sum"], unit, parts.train, seed, settings)
    off = read_digits(model.cnn, parts.test) - SEQUENCE_TASKS["sum"].values(parts.test.labels)
    assert off.square().mean().sqrt().item() < 0.7
    assert model.cell.unit.W.tolist() == [[1.0, 1.0]]


@pytest.mark.slow
def test_where_the_cnn_learns_by_class_probabilities_the_counting_cell_waits_for_it() -> None:
    parts, task = split_digits(small_mnist(), validation=200), SEQUENCE_TASKS["count"]
    settings = replace(settings_for(task, "NAU on classes"), epochs=1, batch_size=100)
    waited = train(task, "NAU on classes", parts.train, 0, replace(settings, cell_from=1.0))
    joined = train(task, "NAU on classes", parts.train, 0, settings)
    torch.manual_seed(0)
    build_cnn(task, SIDE, classifies=True)
    torch.testing.assert_close(waited.cell.unit.W, build_cell("NAU", task).unit.W, atol=ROUNDING_DISTANCE, rtol=0)
    assert (joined.cell.unit.W - waited.cell.unit.W).abs().max() > 0.005


def test_weights_as_good_as_whole_are_rounded_and_no_others() -> None:
    cell = build_cell("NAU", SEQUENCE_TASKS["sum"])
    with torch.no_grad():
        cell.unit.W.copy_(torch.tensor([[0.9995, -0.002]]))
    round_weights(cell)
    assert cell.unit.W.tolist() == [[1.0, pytest.approx(-0.002)]]


def test_the_likelihood_of_counts_is_that_of_each_digit_by_itself() -> None:
    task = SEQUENCE_TASKS["count"]
    probabilities = torch.rand(1, 10, 1, 10).softmax(1)  # of one sequence of ten digits
    counts = torch.zeros(1, 10)
    counts[0, 3], counts[0, 7] = 9, 1
    expected = 0.0
    for digit, count in enumerate(counts[0].int().tolist()):
        alike = [
            prod(
                float(probabilities[0, digit, 0, i] if i in seen else 1 - probabilities[0, digit, 0, i])
                for i in range(10)
            )
            for seen in combinations(range(10), count)
        ]
        expected += log(sum(alike) + MIN_LIKELIHOOD)
    assert task.log_likelihood(probabilities, counts).item() == pytest.approx(
        expected, rel=5e-3
    )  # float32 beside MIN_LIKELIHOOD


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run_and_every_cell_the_same_first_cnn() -> None:
    parts = split_digits(small_mnist(), validation=200)
    settings = RunSettings(epochs=1, batch_size=100)
    again = [run_once(Run("sum", "NAU", 3), parts, settings, 20) for _ in range(2)]
    assert again[0].mae == again[1].mae
    assert again[0].steps == settings.steps(1000) == 10
    still = RunSettings(epochs=1, batch_size=100, learning_rate=0.0, cell_learning_rate=0.0)
    first = [train(SEQUENCE_TASKS["sum"], unit, parts.train, 3, still).cnn for unit in ("NAU", "LSTM")]
    for one, other in zip(first[0].parameters(), first[1].parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "unit"),
    [
        ("count", "NAU"),
        ("product", "NMU"),
        ("product", "LSTM"),
        ("sum", "oracle"),
        ("product", "NMU on classes"),
        ("count", "NAU on classes"),
    ],
)
def test_a_run_records_errors_at_every_length(task: str, unit: str) -> None:
    parts: DigitSplit = split_digits(small_mnist(), validation=200)
    record = run_once(Run(task, unit, 0), parts, RunSettings(epochs=1, batch_size=100), 10)
    assert list(map(int, record.mae)) == list(map(int, record.mse)) == list(SEQUENCE_TASKS[task].lengths)
    used = np.isin(small_mnist()[1][:1000], SEQUENCE_TASKS[task].digits).sum()
    assert record.steps == used // 100
    assert record.validation_mae is not None
    assert (record.weights is not None) == (unit in ("NMU", "NMU on classes"))
