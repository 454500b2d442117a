"""Cells with ideal weights over ideal digits are exact at any length; R_z is the published formula."""

import numpy as np
import pytest
import torch
from torch import nn

from training.research.sequences.evaluate import sequence_errors
from training.research.sequences.penalty import SCALE_WEIGHT, regularisers, sparsity_error, weights
from training.research.sequences.recurrent_cell import LSTM, ORACLE, UnitCell, build_cell, run_over
from training.research.sequences.task import SEQUENCE_TASKS


def ideal(unit: str, task: str) -> nn.Module:
    cell = build_cell(unit, SEQUENCE_TASKS[task]).double().eval()
    if unit != ORACLE:
        outputs = SEQUENCE_TASKS[task].outputs
        with torch.no_grad():
            cell.unit.W.copy_(torch.cat([torch.eye(outputs), torch.eye(outputs)], 1))
    return cell


def random_digits(task: str, sequences: int, length: int) -> torch.Tensor:
    drawn = np.random.default_rng(0).choice(SEQUENCE_TASKS[task].digits, (sequences, length))
    return torch.from_numpy(drawn)


@pytest.mark.parametrize("unit", ["NAU", ORACLE])
def test_ideal_weights_add_a_thousand_digits_exactly(unit: str) -> None:
    digits = random_digits("sum", 20, 1000)
    with torch.no_grad():
        predicted = run_over(ideal(unit, "sum"), SEQUENCE_TASKS["sum"].values(digits))
    np.testing.assert_array_equal(predicted[:, 0].numpy(), digits.numpy().sum(1))


@pytest.mark.parametrize("unit", ["NAU", ORACLE])
def test_ideal_weights_count_each_of_the_ten_digits_exactly(unit: str) -> None:
    digits = random_digits("count", 5, 1000)
    with torch.no_grad():
        predicted = run_over(ideal(unit, "count"), SEQUENCE_TASKS["count"].values(digits))
    np.testing.assert_array_equal(predicted.numpy(), [np.bincount(row, minlength=10) for row in digits.numpy()])


@pytest.mark.parametrize("unit", ["NMU", ORACLE])
def test_ideal_weights_multiply_twenty_digits(unit: str) -> None:
    digits = random_digits("product", 50, 20)
    with torch.no_grad():
        predicted = run_over(ideal(unit, "product"), SEQUENCE_TASKS["product"].values(digits))
    exact = [int(np.prod(row.astype(object))) for row in digits.numpy()]
    np.testing.assert_allclose(predicted[:, 0].numpy(), np.array(exact, float), rtol=1e-14)


@pytest.mark.parametrize("unit", ["NAC", "NAC-dot", "NALU", LSTM])
@pytest.mark.parametrize("task", ["sum", "count", "product"])
def test_every_cell_gives_a_finite_result_of_the_task_s_width(unit: str, task: str) -> None:
    torch.manual_seed(0)
    chosen = SEQUENCE_TASKS[task]
    cell = build_cell(unit, chosen)
    predicted = run_over(cell, chosen.values(random_digits(task, 4, 3)).float())
    assert predicted.shape == (4, chosen.outputs)
    assert torch.isfinite(predicted).all()


def test_errors_at_a_length_are_those_of_the_beginnings_of_longer_sequences() -> None:
    task, labels = SEQUENCE_TASKS["sum"], torch.arange(10)
    off_by_a_tenth = task.values(labels) + 0.1
    errors = sequence_errors(ideal(ORACLE, "sum"), off_by_a_tenth, labels, task, 50)
    assert list(errors) == list(task.lengths)
    for length, (mae, mse) in errors.items():
        assert mae == pytest.approx(0.1 * length)
        assert mse == pytest.approx((0.1 * length) ** 2)


@pytest.mark.parametrize("unit", ["NAU", "NMU"])
def test_the_regularisers_are_the_published_formulas(unit: str) -> None:
    torch.manual_seed(0)
    task = SEQUENCE_TASKS["sum" if unit == "NAU" else "product"]
    cell = UnitCell(unit, task)
    z = 9 * torch.rand(7, 4, 1)
    run_over(cell, z)
    W = cell.unit.W.detach().numpy()
    h, inputs = np.full((7, 1), task.start), []
    for step in range(4):
        x = np.concatenate([h, z[:, step].numpy()], 1)
        inputs.append(x)
        h = x @ W.T if unit == "NAU" else np.prod(W * x + 1 - W, axis=1, keepdims=True)
    mean = np.concatenate(inputs).mean(0)
    R_z = np.mean((1 - np.abs(W)) * mean**2) if unit == "NAU" else np.mean((1 - W) * (1 - mean) ** 2)
    size = np.abs(W)
    sparsity = np.mean(np.minimum(size, 1 - size))
    lambda_hat = {"NAU": 0.01, "NMU": 10.0}[unit]
    assert regularisers(cell, unit, 0.0).item() == 0
    for progress, of_scale, of_sparsity in ((0.15, 0.5, 0.0), (0.25, 1.0, 1 / 6), (0.35, 1.0, 0.5), (0.9, 1.0, 1.0)):
        expected = of_scale * SCALE_WEIGHT * R_z + of_sparsity * lambda_hat * sparsity
        assert regularisers(cell, unit, progress).item() == pytest.approx(expected, rel=1e-5)


def test_what_has_no_regulariser_adds_nothing_to_the_loss() -> None:
    for unit in (ORACLE, LSTM, "NAC", "NALU"):
        assert regularisers(build_cell(unit, SEQUENCE_TASKS["sum"]), unit, 1.0) == 0


def test_weights_are_told_as_they_are_and_their_distance_from_exact_ones() -> None:
    cell = build_cell("NAU", SEQUENCE_TASKS["sum"])
    with torch.no_grad():
        cell.unit.W.copy_(torch.tensor([[1.0, -0.75]]))
    assert weights(cell) == [1.0, -0.75]
    assert sparsity_error(cell) == 0.25
    assert [weights(build_cell(unit, SEQUENCE_TASKS["sum"])) for unit in ("NALU", LSTM, ORACLE)] == [None] * 3
    assert [sparsity_error(build_cell(unit, SEQUENCE_TASKS["sum"])) for unit in ("NALU", LSTM, ORACLE)] == [None] * 3
