import pytest

from models.hyperparameters import Hyperparameters


def test_the_penalty_grows_linearly_on_its_ramp() -> None:
    hyperparameters = Hyperparameters(penalty=10, ramp=(20_000, 35_000))
    steps = (0, 20_000, 27_500, 35_000, 50_000)
    assert [hyperparameters.penalty_at(step) for step in steps] == [0, 0, 5, 10, 10]


def test_the_weight_of_all_magnitudes_grows_tenfold_every_ten_thousand_steps() -> None:
    hyperparameters = Hyperparameters(l1=(1e-9, 1e-7))
    actual = [hyperparameters.l1_at(step) for step in (0, 9_999, 10_000, 20_000, 49_999)]
    assert actual == pytest.approx([1e-9, 1e-9, 1e-8, 1e-7, 1e-7])
    assert Hyperparameters().l1_at(30_000) == 0


def test_operation_and_irrelevant_inputs_change_what_the_unit_says() -> None:
    hyperparameters = Hyperparameters(by_operation={"divide": {"l1": (1, 2)}}, wide={"learning_rate": 7})
    assert hyperparameters.for_task("add", 2) == hyperparameters
    assert hyperparameters.for_task("divide", 2).l1 == (1, 2)
    wide = hyperparameters.for_task("divide", 10)
    assert (wide.l1, wide.learning_rate, wide.steps, wide.ramp) == ((1, 2), 7, 100_000, (50_000, 75_000))
