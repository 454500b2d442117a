"""What every unit promises, whatever it computes."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from models.head import BuildHead
from models.networks import Network
from models.units import UNITS
from training.export import INPUT, check_parity, write_onnx, write_torchscript

pytestmark = pytest.mark.parametrize("name", UNITS.names())


def positive(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(0.5, 3, shape))


def test_any_leading_shape_goes_in_and_comes_out(name: str) -> None:
    unit = UNITS.load(name)(3, 2).double()
    for leading in ((1,), (7,), (2, 5), (0,)):
        assert unit(positive(*leading, 3)).shape == (*leading, 2)


def test_rows_do_not_see_each_other(name: str) -> None:
    unit = UNITS.load(name)(3, 2).double().eval()
    x = positive(6, 3)
    torch.testing.assert_close(unit(x)[2:3], unit(x[2:3]), rtol=1e-12, atol=0)


def test_every_parameter_receives_a_finite_gradient(name: str) -> None:
    torch.manual_seed(0)
    unit = UNITS.load(name)(3, 2).double()
    unit(positive(16, 3)).square().sum().backward()
    for parameter in unit.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().sum() > 0


def test_gradients_are_right(name: str) -> None:
    torch.manual_seed(0)
    unit = UNITS.load(name)(3, 2).double()
    assert torch.autograd.gradcheck(unit, (positive(4, 3).requires_grad_(),))


def test_seeds_reproduce_start_weights_and_they_are_finite(name: str) -> None:
    def start() -> list[torch.Tensor]:
        torch.manual_seed(5)
        return [parameter.detach() for parameter in UNITS.load(name)(4, 3).parameters()]

    assert all(torch.equal(a, b) for a, b in zip(start(), start(), strict=True))
    assert all(weight.isfinite().all() and weight.std() > 0 for weight in start())


def test_the_state_is_all_there_is_to_a_unit(name: str) -> None:
    torch.manual_seed(1)
    first, second = (UNITS.load(name)(3, 2).double().eval() for _ in range(2))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(positive(5, 3)), second(positive(5, 3)))


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0)])
def test_sizes_below_one_are_refused(name: str, sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"^(in|out)_features must be at least 1, got 0\.$"):
        UNITS.load(name)(*sizes)


def test_it_stands_in_networks_and_heads(name: str) -> None:
    assert Network(name, [3, 4, 1])(torch.rand(2, 3)).shape == (2, 1)
    head = BuildHead(torch.nn.Conv2d(1, 3, 3), 3, (4, 4), "classification", 5, name)
    torch.testing.assert_close(head(torch.rand(2, 1, 9, 9)).exp().sum(1), torch.ones(2))


@pytest.mark.parametrize("exact", [False, True])
def test_onnx_and_torchscript_answer_alike_in_float64(name: str, exact: bool, tmp_path: Path) -> None:
    torch.manual_seed(2)
    network = Network(name, [3, 2, 1]).double().eval()
    network = (network.exact() if exact else network).requires_grad_(requires_grad=False)
    write_onnx(network, positive(2, 3), tmp_path / "unit.onnx")
    write_torchscript(network, positive(2, 3), tmp_path / "unit.pt")
    session = onnxruntime.InferenceSession(tmp_path / "unit.onnx")
    script = torch.jit.load(tmp_path / "unit.pt")
    for rows in (1, 2, 9):
        x = positive(rows, 3).numpy() * 100
        check_parity(network, lambda inputs: session.run(None, {INPUT: inputs})[0], x, "ONNX")
        check_parity(network, lambda inputs: script(torch.from_numpy(inputs)).numpy(), x, "TorchScript")
