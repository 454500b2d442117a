from math import prod

import numpy as np
import pytest
import torch

from training.counting.totals import COUNT, PRIMES, PRODUCT, SUM, TARGETS, AggregateTarget, exponents
from training.data.synthetic.scenes import NOTHING, Scenes

SCENES = Scenes(np.zeros((3, 1, 4, 6), np.uint8), np.array([[[1, 9, NOTHING]], [[NOTHING] * 3], [[7, 7, 8]]], np.int64))


@pytest.mark.parametrize(("target", "expected"), [(SUM, (10, 0, 22)), (COUNT, (2, 0, 3)), (PRODUCT, (9, 1, 392))])
def test_a_total_is_what_its_name_says(target: AggregateTarget, expected: tuple[int, ...]) -> None:
    assert target.label(SCENES).tolist() == list(expected)


def test_exponents_are_those_of_the_prime_factors() -> None:
    numbers = [1, 2, 12, 81, 49 * 25, 7 * 8 * 9]
    found = exponents(torch.tensor(numbers, dtype=torch.float32))
    for number, row in zip(numbers, found.tolist(), strict=True):
        assert prod(prime**power for prime, power in zip(PRIMES, row, strict=True)) == number


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_what_reading_a_number_adds_is_what_its_total_has_more(target: AggregateTarget) -> None:
    for read in range(max(1, target.lowest_digit), target.highest + 1):
        value = torch.tensor([float(read)])
        assert target.components(value).tolist() == [list(target.contributions[read])]
    assert set(target.contributions[0]) == {0}


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_the_moduli_distinguish_all_trained_totals(target: AggregateTarget) -> None:
    most = np.array(target.contributions).max(0) * target.max_train_count
    assert (most < np.array(target.moduli)).all()
