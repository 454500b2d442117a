"""What every unit promises, whatever it computes."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from models.head import BuildHead
from models.networks import Network
from models.units import UNITS
from training.export.network_files import INPUT, write_onnx, write_torchscript
from training.export.write import check_parity

pytestmark = pytest.mark.parametrize("name", UNITS.names())


def positive(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).uniform(0.5, 3, shape))


def signed(*shape: int) -> torch.Tensor:
    return positive(*shape) * (-1) ** torch.arange(shape[-1])


def stacked(units: list[nn.Module]) -> dict[str, torch.Tensor]:
    """The replicas' weights as ``(in_features, out_features, replicas, 1)``, or without the first axis."""
    names = [name for name, _ in units[0].named_parameters()]
    return {
        name.rpartition(".")[2]: torch.stack([unit.get_parameter(name).detach().t() for unit in units], -1)[..., None]
        for name in names
    }


def test_any_leading_shape_goes_in_and_comes_out(name: str) -> None:
    unit = UNITS.load(name)(3, 2).double()
    for leading in ((1,), (7,), (2, 5), (0,)):
        assert unit(positive(*leading, 3)).shape == (*leading, 2)


def test_a_scripted_network_says_what_the_module_says_in_any_shape_and_type(name: str) -> None:
    torch.manual_seed(0)
    for network in (Network(name, [3, 1]).eval(), Network(name, [3, 1]).double().exact()):
        scripted = torch.jit.script(network)  # type: ignore[no-untyped-call]
        for x in (signed(3), signed(5, 3), signed(2, 4, 3) * 100):
            x = x.to(next(network.parameters()).dtype)
            torch.testing.assert_close(
                scripted(x), network(x), rtol=1e-12 if x.dtype == torch.float64 else 1e-5, atol=0
            )


def test_rows_do_not_see_each_other(name: str) -> None:
    unit = UNITS.load(name)(3, 2).double().eval()
    x = positive(6, 3)
    torch.testing.assert_close(unit(x)[2:3], unit(x[2:3]), rtol=1e-12, atol=0)


def test_every_parameter_receives_a_finite_gradient(name: str) -> None:
    torch.manual_seed(0)
    unit = UNITS.load(name)(3, 2).double()
    unit(signed(16, 3)).square().sum().backward()
    for parameter in unit.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().sum() > 0


def test_gradients_are_right(name: str) -> None:
    torch.manual_seed(0)
    unit = UNITS.load(name)(3, 2).double().eval()
    for x in (positive(4, 3), signed(4, 3)):
        assert torch.autograd.gradcheck(unit, (x.requires_grad_(),))


def test_gradients_stay_finite_at_zero_and_at_extremes(name: str) -> None:
    torch.manual_seed(0)
    unit = UNITS.load(name)(3, 2)
    for value in (0.0, -0.0, 1e-30, -1e-12, 1e9):
        unit.zero_grad()
        x = torch.full((4, 3), value, requires_grad=True)
        unit(x).sum().backward()
        gradients = [x.grad, *(parameter.grad for parameter in unit.parameters())]
        assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients), value


@pytest.mark.slow
def test_the_input_is_left_as_it_was(name: str) -> None:
    x = signed(5, 3)
    UNITS.load(name)(3, 2).double().train()(x)
    assert torch.equal(x, signed(5, 3))


@pytest.mark.slow
def test_the_equation_says_of_stacked_replicas_what_each_module_says(name: str) -> None:
    torch.manual_seed(0)
    units = [UNITS.load(name)(3, 2).double().eval() for _ in range(2)]
    x = torch.stack([signed(7, 3), signed(7, 3) * 2])  # (replicas, batch, in_features)
    together = units[0].equation(x.permute(2, 0, 1).unsqueeze(1), **stacked(units))
    alone = torch.stack([unit(rows) for unit, rows in zip(units, x, strict=True)])
    torch.testing.assert_close(together.permute(1, 2, 0), alone.detach(), rtol=1e-12, atol=1e-14)


def test_bounds_and_penalty_are_for_parameters_and_are_free_of_charge_at_ideal_weights(name: str) -> None:
    torch.manual_seed(0)
    unit = UNITS.load(name)(4, 3)
    bounds, weights = getattr(unit, "BOUNDS", {}), stacked([unit, unit])
    for key, (low, high) in bounds.items():
        assert low <= weights[key].min() <= weights[key].max() <= high
    if hasattr(unit, "penalty"):
        between = unit.penalty(**weights)
        assert between.shape == (3, 2, 1)
        assert (between > 0).all()
        saturated = {key: torch.full_like(weight, bounds.get(key, (0, 30))[1]) for key, weight in weights.items()}
        assert (unit.penalty(**saturated) == 0).all()


def test_the_schedule_is_complete(name: str) -> None:
    unit = UNITS.load(name)(2, 1)
    for in_features in (2, 10):
        schedule = unit.HYPERPARAMETERS.for_task("divide", in_features)
        assert schedule.learning_rate > 0
        assert schedule.penalty_at(schedule.steps) == schedule.penalty
        assert schedule.l1_at(schedule.steps) == schedule.l1[1]
        assert schedule.penalty == 0 or hasattr(unit, "penalty")


def test_its_file_is_found_by_its_published_name_in_any_spelling(name: str) -> None:
    for spelling in (name, name.lower(), name.upper(), name.replace("-", "_"), name.replace("-", "")):
        assert UNITS.load(spelling) is UNITS.load(name)
        assert Network(spelling, [2, 1]).config["unit"] == name


def test_seeds_reproduce_start_weights_and_they_are_finite(name: str) -> None:
    def start() -> list[torch.Tensor]:
        torch.manual_seed(5)
        return [parameter.detach() for parameter in UNITS.load(name)(4, 3).parameters()]

    assert all(torch.equal(a, b) for a, b in zip(start(), start(), strict=True))
    assert all(weight.isfinite().all() for weight in start())
    assert any(weight.std() > 0 for weight in start())


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


def test_in_a_head_features_of_both_signs_and_near_zero_give_finite_numbers_and_gradients(name: str) -> None:
    torch.manual_seed(0)
    head = BuildHead(nn.Conv2d(1, 4, 1), 4, [32], "classification", 10, name)
    x = torch.cat([torch.zeros(1, 1, 4, 4), torch.randn(7, 1, 4, 4) * 1e-6, torch.randn(8, 1, 4, 4)]).requires_grad_()
    y = head(x)
    y[:, 0].sum().backward()
    assert y.isfinite().all()
    assert x.grad is not None
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in (x, *head.parameters()))


class WithExact(nn.Module):
    """A network beside its copy for inference: one export, which is what takes the time, tests both."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network, self.exact = network, network.exact()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((self.network(x), self.exact(x)), -1)


@pytest.mark.slow
def test_onnx_and_torchscript_answer_alike_in_float64_with_and_without_tolerances(name: str, tmp_path: Path) -> None:
    torch.manual_seed(2)
    network = Network(name, [3, 2]).double().eval()
    for weight in network.parameters():
        weight.data += 0.1 * torch.randn_like(weight)  # away from start values that hide a part of the formula
    has_tolerances = hasattr(UNITS.load(name), "EXACT_OPTIONS")  # without any, the copy is the network
    both = (WithExact(network) if has_tolerances else network).eval().requires_grad_(requires_grad=False)
    write_onnx(both, positive(2, 3), tmp_path / "unit.onnx")
    write_torchscript(both, positive(2, 3), tmp_path / "unit.pt")
    session = onnxruntime.InferenceSession(tmp_path / "unit.onnx")
    script = torch.jit.load(tmp_path / "unit.pt")
    for rows in (1, 2, 9):
        x = signed(rows, 3).numpy() * 100
        check_parity(both, lambda inputs: session.run(None, {INPUT: inputs})[0], x, "ONNX")
        check_parity(both, lambda inputs: script(torch.from_numpy(inputs)).numpy(), x, "TorchScript")
