from math import prod

import numpy as np
import pytest
import torch

from training.counting.totals import COUNT, PRIMES, PRODUCT, SUM, TOTALS, Total, exponents
from training.data.synthetic.scenes import NOTHING, Canvases

CANVASES = Canvases(
    np.zeros((3, 1, 4, 6), np.uint8), np.array([[[1, 9, NOTHING]], [[NOTHING] * 3], [[7, 7, 8]]], np.int64)
)


@pytest.mark.parametrize(("total", "expected"), [(SUM, (10, 0, 22)), (COUNT, (2, 0, 3)), (PRODUCT, (9, 1, 392))])
def test_a_total_is_what_its_name_says(total: Total, expected: tuple[int, ...]) -> None:
    assert total.of(CANVASES).tolist() == list(expected)


def test_exponents_are_those_of_the_prime_factors() -> None:
    numbers = [1, 2, 12, 81, 49 * 25, 7 * 8 * 9]
    found = exponents(torch.tensor(numbers, dtype=torch.float32))
    for number, row in zip(numbers, found.tolist(), strict=True):
        assert prod(prime**power for prime, power in zip(PRIMES, row, strict=True)) == number


@pytest.mark.parametrize("total", TOTALS.values(), ids=list(TOTALS))
def test_what_reading_a_number_adds_is_what_its_total_has_more(total: Total) -> None:
    for read in range(max(1, total.lowest_digit), total.highest + 1):
        value = torch.tensor([float(read)])
        assert total.components(value).tolist() == [list(total.amounts[read])]
    assert set(total.amounts[0]) == {0}


@pytest.mark.parametrize("total", TOTALS.values(), ids=list(TOTALS))
def test_the_periods_tell_all_trained_totals_apart(total: Total) -> None:
    most = np.array(total.amounts).max(0) * total.trained
    assert (most < np.array(total.periods)).all()
