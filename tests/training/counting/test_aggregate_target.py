from collections.abc import Callable
from itertools import product
from math import prod

import numpy as np
import pytest
import torch

from training.counting.aggregate_target import COUNT, PRIMES, PRODUCT, SUM, TARGETS, AggregateTarget, exponents
from training.data.synthetic.scenes import EMPTY, Scenes

SCENES = Scenes(np.zeros((3, 1, 4, 6), np.uint8), np.array([[[1, 9, EMPTY]], [[EMPTY] * 3], [[7, 7, 8]]], np.int64))


@pytest.mark.parametrize(("target", "expected"), [(SUM, (10, 0, 22)), (COUNT, (2, 0, 3)), (PRODUCT, (9, 1, 392))])
def test_a_total_is_what_its_name_says(target: AggregateTarget, expected: tuple[int, ...]) -> None:
    assert target.label(SCENES).tolist() == list(expected)


def test_exponents_are_those_of_the_prime_factors() -> None:
    numbers = [1, 2, 12, 81, 49 * 25, 7 * 8 * 9]
    found = exponents(torch.tensor(numbers, dtype=torch.float32))
    for number, row in zip(numbers, found.tolist(), strict=True):
        assert prod(prime**power for prime, power in zip(PRIMES, row, strict=True)) == number


DECODE: dict[str, Callable[[list[int]], int]] = {
    "digit-sum": lambda components: components[0],
    "digit-count": lambda components: components[0],
    "digit-product": lambda components: prod(p**e for p, e in zip((2, 3, 5, 7), components, strict=True)),
}
"""The aggregate that components stand for, written down apart from the code."""


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_the_contributions_of_digits_add_up_to_the_components_of_their_label(target: AggregateTarget) -> None:
    digits = range(target.lowest_digit, 10)
    for first, second in product(digits, digits):
        read = [digit if target.highest == 9 else 1 for digit in (first, second)]
        added = np.sum([target.contributions[number] for number in read], 0).tolist()
        scenes = Scenes(np.zeros((1, 1, 4, 6), np.uint8), np.array([[[first, second, EMPTY]]], np.int64))
        assert target.label(scenes) == DECODE[target.name](added)
        assert target.components(torch.from_numpy(target.label(scenes))).tolist() == [added]
    assert set(target.contributions[0]) == {0}


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_the_moduli_distinguish_all_trained_totals(target: AggregateTarget) -> None:
    most = np.array(target.contributions).max(0) * target.max_train_count
    assert (most < np.array(target.moduli)).all()
