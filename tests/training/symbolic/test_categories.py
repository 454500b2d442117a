"""Laws with one constant for each class of a column."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from models.arrays import FloatArray
from models.law import Law
from models.lookup import Lookup
from training.symbolic.categories import find_category_law
from training.symbolic.find_law import find_law
from training.symbolic.law_result import LawResult

CONSTANTS = np.array([2.5, 7.0, -4.0])
COLUMNS = ["size", "q", "w"]


def find(inputs: FloatArray, target: FloatArray, columns: Sequence[str]) -> LawResult:
    return find_law(inputs, target, columns=columns, rounds=0)


def table(rows: int = 120) -> FloatArray:
    random = np.random.default_rng(1)
    return np.column_stack([random.integers(1, 4, rows), random.uniform(1, 9, (rows, 2))]).astype(np.float64)


def law_of(inputs: FloatArray, target: FloatArray) -> LawResult:
    return find_category_law(inputs, target[:, None], COLUMNS, "size", find)


def constant(inputs: FloatArray) -> FloatArray:
    return np.asarray(CONSTANTS[inputs[:, 0].astype(np.int64) - 1])


def predicted(law: torch.nn.Module, inputs: FloatArray) -> FloatArray:
    values: torch.Tensor = law(torch.from_numpy(inputs))
    return values.detach().numpy()[:, 0]


def test_a_class_gives_a_factor_and_an_unknown_one_gives_no_number() -> None:
    inputs = table()
    found = law_of(inputs, constant(inputs) * inputs[:, 1] / inputs[:, 2])
    assert found.formula == "q * {1: 2.5, 2: 7, 3: -4}[size] / w"
    rows = np.array([[1, 400, 8], [3, 2, 4], [4, 1, 1], [1.5, 1, 1]], dtype=np.float64)
    for network in (found.network, found.network.simplified()):
        values = predicted(network, rows)
        np.testing.assert_allclose(values[:2], [125, -2], rtol=1e-14)
        assert np.isnan(values[2:]).all()
    np.testing.assert_allclose(found.to_numpy()(np.array([1, 4]), 400, 8), [125, np.nan])


def test_a_class_gives_an_addend() -> None:
    inputs = table()
    target = 3 * inputs[:, 1] + 0.5 * inputs[:, 2] + constant(inputs)
    found = law_of(inputs, target)
    assert found.reason is None
    np.testing.assert_allclose(predicted(found.network, inputs), target, rtol=1e-12)


@pytest.mark.slow
def test_a_class_that_changes_the_form_is_no_law() -> None:
    inputs = table()
    found = law_of(inputs, np.where(inputs[:, 0] == 2, inputs[:, 1] ** 2, inputs[:, 1] * inputs[:, 2]))
    assert found.formula is None
    assert found.reason


@pytest.mark.parametrize(
    ("inputs", "columns", "message"),
    [
        (np.arange(200.0)[:, None] % 60, ["size"], r"'size', which has 60 different values; at most 50 classes"),
        (
            np.array([[1.0, 2]] * 20 + [[2.0, 3]] * 9),
            ["size", "q"],
            r"the class 2 has 9 training rows; a constant",
        ),
        (np.arange(200.0)[:, None] % 4, ["size"], r"'size', and there is no other column; a table of one constant"),
    ],
)
def test_unusable_classes_are_refused(inputs: FloatArray, columns: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_category_law(inputs, inputs[:, :1], columns, "size", find)


def test_a_law_with_a_lookup_is_traced_as_it_is() -> None:
    law = Law(1, 1, 1, [{"function": "lookup", "column": 0, "values": [1.0, 2.0]}])
    assert isinstance(law.features[0], Lookup)
    x = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    traced = torch.jit.trace(law.simplified(), x)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(traced(x), law(x), equal_nan=True)
