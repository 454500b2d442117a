"""Twenty tables without an arithmetic law: six from scikit-learn, fourteen synthetic."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from sklearn import datasets

from models.arrays import FloatArray

ROWS = 1000


@dataclass(frozen=True)
class LawlessTable:
    """A table and its description."""

    title: str
    columns: list[str]
    inputs: FloatArray
    target: FloatArray


def tables(seed: int) -> Iterator[LawlessTable]:
    """All twenty; the seed draws the synthetic ones."""
    yield from _bundled()
    for i, (title, make) in enumerate(SYNTHETIC.items()):
        random = np.random.default_rng([seed, i])
        inputs = random.uniform(-5, 5, (ROWS, 3))
        yield LawlessTable(title, ["a", "b", "c"], inputs, make(inputs, random)[:, None])


def _bundled() -> Iterator[LawlessTable]:
    """Tables that come with scikit-learn."""
    for name in ("diabetes", "wine", "breast_cancer"):
        bunch = getattr(datasets, f"load_{name}")()
        target = bunch.target.astype(np.float64)
        yield _table(f"{name}: target", bunch.data, target)
    flowers = datasets.load_iris().data
    yield _table("iris: petal width", flowers[:, :3], flowers[:, 3])
    athletes = datasets.load_linnerud()
    yield _table("linnerud: weight", athletes.data, athletes.target[:, 0])
    digits = datasets.load_digits()
    ink = np.concatenate([digits.images.mean(1), digits.images.mean(2)], 1)
    yield _table("digits: digit from ink", ink, digits.target.astype(np.float64))


def _table(title: str, inputs: FloatArray, target: FloatArray) -> LawlessTable:
    return LawlessTable(title, [f"x{i}" for i in range(inputs.shape[1])], inputs.astype(np.float64), target[:, None])


def _steps(x: FloatArray, random: np.random.Generator) -> FloatArray:
    """A forest of 20 random trees of depth 3."""
    total = np.zeros(len(x))
    for _ in range(20):
        leaf = np.zeros(len(x), dtype=np.int64)
        for level in range(3):
            leaf += 2**level * (x[:, random.integers(3)] > random.uniform(-4, 4))
        total += random.standard_normal(8)[leaf]
    return total


def _categories(x: FloatArray, random: np.random.Generator) -> FloatArray:
    """A price for each of eleven codes."""
    codes = np.round(x).astype(np.int64)
    x[:] = codes
    return np.asarray(
        random.permutation(np.arange(11.0))[codes[:, 0] + 5] + 3 * random.permutation(11)[codes[:, 1] + 5]
    )


def _walk(x: FloatArray, random: np.random.Generator) -> FloatArray:
    x[:, 0] = np.arange(len(x))
    return np.asarray(random.standard_normal(len(x)).cumsum())


SYNTHETIC: dict[str, Callable[[FloatArray, np.random.Generator], FloatArray]] = {
    "sin(a) + b": lambda x, _: np.sin(x[:, 0]) + x[:, 1],
    "exp(a)*b": lambda x, _: np.exp(x[:, 0]) * x[:, 1],
    "tanh(a + b)": lambda x, _: np.tanh(x[:, 0] + x[:, 1]),
    "max(a, b) + c": lambda x, _: np.maximum(x[:, 0], x[:, 1]) + x[:, 2],
    "tax: 0 below 0, 20 % to 3, 40 % above": lambda x, _: (
        0.2 * x[:, 0].clip(0, 3) + 0.4 * (x[:, 0] - 3).clip(0) + x[:, 1]
    ),
    "floor(a)*b": lambda x, _: np.floor(x[:, 0]) * x[:, 1],
    "a mod 3 + b": lambda x, _: x[:, 0] % 3 + x[:, 1],
    "log(6 + a) - log(6 + b)": lambda x, _: np.log(6 + x[:, 0]) - np.log(6 + x[:, 1]),
    "noise": lambda x, random: random.standard_normal(len(x)),
    "codes with prices": _categories,
    "1/(1 + exp(-a - b))": lambda x, _: 1 / (1 + np.exp(-x[:, 0] - x[:, 1])),
    "a forest of steps": _steps,
    "tanh(a*b) drowned in noise": lambda x, random: np.tanh(x[:, 0] * x[:, 1]) + 3 * random.standard_normal(len(x)),
    "a random walk beside its time": _walk,
}
