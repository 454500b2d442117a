import math
from pathlib import Path

import numpy as np
import pytest
import torch

from models.functions import BINARY, FUNCTIONS
from models.law import Law
from training.export.checkpoint import load_checkpoint, save_checkpoint
from training.export.network_files import predictors, write_files

SIZES = 10.0 ** np.linspace(-30, 30, 2001)
WITHIN_ONE = np.concatenate([np.linspace(-1, 1, 4001), 10.0 ** np.linspace(-30, 0, 1001)])


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("arctan", np.concatenate([-SIZES, [0.0], SIZES])),
        ("arcsin", WITHIN_ONE),
        ("arccos", WITHIN_ONE),
        ("tan", np.linspace(-1.5, 1.5, 4001)),
    ],
)
def test_functions_that_are_built_from_others_are_those_of_numpy(name: str, inputs: np.ndarray) -> None:
    values = FUNCTIONS[name](torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(values, getattr(np, name)(inputs), rtol=1e-15, atol=1e-300)


def test_beyond_their_domain_they_are_not_numbers() -> None:
    outside = torch.tensor([-1.5, 1.0000001, math.inf], dtype=torch.float64)
    for name in ("arcsin", "arccos"):
        assert FUNCTIONS[name](outside).isnan().all()
    assert FUNCTIONS["arctan"](torch.tensor([math.inf, -math.inf])).tolist() == pytest.approx(
        [math.pi / 2, -math.pi / 2]
    )
    assert FUNCTIONS["log"](outside[:1]).isnan().all()


def of_columns(function: str) -> Law:
    """The function of the first column, or of both."""
    arguments = [{"in_features": 2, "terms": 1, "sums": 1}] * (2 if function in BINARY else 1)
    law = Law(2, 1, 1, [{"function": function, "arguments": arguments}])
    with torch.no_grad():
        law.W[0, 2] = law.C[0, 0] = 1
        for column, argument in enumerate(law.features[0].arguments):  # type: ignore[union-attr, arg-type]
            argument.W[0, column] = argument.C[0, 0] = 1
    return law.eval()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_files_compute_every_function_in_float64(name: str, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).uniform(0.05, 0.95, (50, 2))
    own = {"identity": lambda x: x, "min": np.minimum, "max": np.maximum}
    expected = (own.get(name) or getattr(np, name))(*rows.T[: 2 if name in BINARY else 1])
    write_files(of_columns(name), torch.from_numpy(rows), tmp_path)
    for predict in predictors(tmp_path).values():
        np.testing.assert_allclose(predict(rows)[:, 0], expected, rtol=1e-14)


def planck() -> Law:
    """``2 / (exp(a / b) - 1)``."""
    argument = {"in_features": 2, "terms": 1, "sums": 1}
    law = Law(2, 3, 2, [{"function": "exp", "arguments": [argument]}])
    with torch.no_grad():
        law.W.copy_(torch.tensor([[0.0, 0, 0], [0, 0, 1], [0, 0, 0]]))
        law.C.copy_(torch.tensor([[2.0, 0, 0], [0, 1, -1]]))
        law.V.copy_(torch.tensor([1.0, -1]))
        inner = law.features[0].arguments[0]  # type: ignore[union-attr, index]
        inner.W.copy_(torch.tensor([[1.0, -1]]))
        inner.C.fill_(1)
    return law.eval()


def test_a_checkpoint_builds_the_same_features_again(tmp_path: Path) -> None:
    law = planck()
    save_checkpoint(law, tmp_path / "weights.safetensors")
    again, rows = load_checkpoint(tmp_path / "weights.safetensors"), torch.rand(5, 2, dtype=torch.float64)
    torch.testing.assert_close(again(rows), law(rows), rtol=0, atol=0)
    a, b = rows.T
    torch.testing.assert_close(law(rows)[:, 0], 2 / (torch.exp(a / b) - 1), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"function": "sinh", "arguments": [{}]}, "must be one of identity, exp, .*, got 'sinh'"),
        ({"function": "exp", "arguments": []}, "exp has 1 arguments, got 0"),
        ({"function": "min", "arguments": [{"in_features": 1, "terms": 1, "sums": 1}]}, "min has 2 arguments, got 1"),
    ],
)
def test_features_that_cannot_be_are_refused(feature: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Law(1, 1, 1, [feature])
