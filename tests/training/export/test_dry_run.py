"""What cannot be exported is named before it is trained: operator, module and line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.networks import Network
from tests.training.export.test_write import export
from training.errors import InputError, ParityError
from training.export.dry_run import check_export, check_unit_export
from training.export.network_files import predictors, write_files
from training.export.write import write_model

X = np.random.default_rng(0).uniform(1, 2, (8, 2))
INPUTS = {"training": X, "negative": -X, "single": X[:1]}


class Computing(nn.Module):
    """Any function as a module, so that its line is one of this file."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def network(function: Callable[[Tensor], Tensor]) -> Any:
    """Two layers, of which the second is a function."""
    made: Any = Network("NAC", [2, 2, 2]).double().eval()
    made[1] = nn.Sequential(nn.Identity(), Computing(function))
    return made.requires_grad_(requires_grad=False)


FAILING = {
    "a branch that a value decides": (
        lambda x: x if x.mean() > 0 else -x,
        r"it cannot be exported: second\.1 \(Computing\) \(test_dry_run\.py, line \d+\) decides by values of its "
        r"input, which an exported graph cannot; use torch\.where there\.$",
    ),
    "a loop as long as a value says": (
        lambda x: x * len(range(int(x[0, 0]))),
        r"second\.1 \(Computing\) .* decides by values of its input",
    ),
    "an operator that ONNX lacks": (
        lambda x: torch.linalg.svdvals(x[:, :, None] * x[:, None]),
        r"ONNX has no operator for aten::_linalg_svd of second\.1 \(Computing\); use another layer there\.$",
    ),
    "another one": (
        lambda x: x - x.median(1, keepdim=True).values,
        r"ONNX has no operator for aten::median of second\.1 \(Computing\)",
    ),
    "a loop over rows": (
        lambda x: torch.stack([row * 2 for row in x]),
        r"its model\.onnx takes inputs of 2 x 2 alone, not of 8 x 2; take sizes from x\.shape in forward, not by len",
    ),
    "a detour over NumPy": (
        lambda x: torch.from_numpy(np.asarray(x) * 2),
        r"(its model\.(onnx|pt) takes inputs of 2 x 2 alone|second\.1 \(Computing\) \(test_dry_run\.py, line)",
    ),
    "what raises": (
        lambda x: x @ torch.ones(3, 3, dtype=x.dtype),
        r"second\.1 \(Computing\) \(test_dry_run\.py, line \d+\): RuntimeError: ",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("function", "message"), FAILING.values(), ids=FAILING)
def test_what_cannot_be_exported_is_one_sentence_with_its_module(
    function: Callable[[Tensor], Tensor],
    message: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = network(function)
    monkeypatch.setattr("training.export.dry_run._rebuilt", lambda _: lambda rows: made(torch.from_numpy(rows)).numpy())
    with pytest.raises(InputError, match=message) as raised:
        check_export(made, INPUTS, "it", {"1": "second"})
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500
    assert capfd.readouterr() == ("", "")


class Step(torch.autograd.Function):
    """A straight-through estimator."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


@pytest.mark.slow
def test_an_autograd_function_is_exported_as_its_forward_pass(tmp_path: Path) -> None:
    made = network(lambda x: Step.apply(x - 0.1))  # type: ignore[no-untyped-call]
    write_files(made, torch.from_numpy(X[:2]), tmp_path)
    for rows in INPUTS.values():
        for predict in predictors(tmp_path).values():
            np.testing.assert_array_equal(predict(rows), made(torch.from_numpy(rows)).numpy())


@pytest.mark.slow
def test_a_network_that_can_be_exported_passes_and_leaves_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    check_export(Network("NALU", [2, 3, 1]).double().eval(), INPUTS, "it")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_weights_that_a_checkpoint_lacks_are_found() -> None:
    made = Network("NAC", [2, 1]).double().eval()
    made[0].W_hat = nn.Parameter(made[0].W_hat * 2, requires_grad=False)  # as saved
    check_export(made, INPUTS, "it")
    made[0].register_forward_hook(lambda *values: values[2] * 1.01)  # as no checkpoint has it
    with pytest.raises(
        InputError,
        match=r"weights\.safetensors differs from the network by 0\.0\d* of its output's size; only .*_buffer\.$",
    ):
        check_export(made, INPUTS, "it")


@pytest.mark.slow
def test_a_trained_network_that_cannot_be_exported_leaves_nothing_behind(tmp_path: Path) -> None:
    made = network(lambda x: x if x.mean() > 0 else -x)
    with pytest.raises(ParityError, match=r"^'model' cannot be exported: 1\.1 \(Computing\) .* decides by values of"):
        write_model(export(made), tmp_path, "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_trial_of_a_unit_leaves_the_random_numbers_of_its_training_as_they_were() -> None:
    before = torch.get_rng_state()
    check_unit_export("NALU", [2, 3, 1], X)
    assert torch.equal(torch.get_rng_state(), before)
