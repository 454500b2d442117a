import numpy as np
import pytest

from training.symbolic.residuals import learnable

X = np.random.default_rng(0).uniform(-3, 3, (300, 3))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_noise_is_nothing_to_learn(seed: int) -> None:
    assert not learnable(X, np.random.default_rng(seed).normal(size=300))


@pytest.mark.slow
@pytest.mark.parametrize("power", [1, 3])
def test_noise_that_grows_or_has_a_heavy_tail_is_nothing_to_learn(power: int) -> None:
    noise = np.random.default_rng(0).normal(size=300)
    assert not learnable(X, noise * np.abs(X[:, 0]))
    assert not learnable(X, noise**power)


@pytest.mark.slow
@pytest.mark.parametrize(
    "left",
    [
        lambda a, b, c: np.sin(2 * a),
        lambda a, b, c: np.maximum(a, b),
        lambda a, b, c: a * b * c,
        lambda a, b, c: (a > 1) * 1.0,
        lambda a, b, c: 1e-9 * np.cos(b),
    ],
)
def test_what_follows_from_the_columns_is_learned_through_noise_of_its_size(left) -> None:  # type: ignore[no-untyped-def]
    values = left(*X.T)
    noise = values.std() * np.random.default_rng(1).normal(size=300)
    assert learnable(X, values)
    assert learnable(X, values + 0.7 * noise)


@pytest.mark.slow
def test_thousands_of_rows_and_many_columns_are_no_obstacle() -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(3000, 35))
    assert learnable(inputs, inputs[:, 3] + random.normal(size=3000))
