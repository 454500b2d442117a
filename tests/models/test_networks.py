import numpy as np
import pytest
import torch

from models import NAC, NALU, Network
from models.units import nac, nalu


def test_a_network_has_one_unit_a_layer_and_nothing_between() -> None:
    network = NALU(4, 3, 2)
    assert [type(layer) for layer in network] == [nalu.NALU, nalu.NALU]
    assert network(torch.rand(5, 4)).shape == (5, 2)
    assert [type(layer) for layer in NAC(2, 1)] == [nac.NAC]


def test_options_reach_every_unit() -> None:
    assert all(layer.W is None and layer.eps == 1e-3 for layer in NALU(3, 2, 1, shared_weights=True, eps=1e-3))


def test_a_network_can_be_built_again_from_its_configuration() -> None:
    first = NALU(3, 2, 1, shared_weights=True)
    second = Network(**first.config)
    second.load_state_dict(first.state_dict())
    x = torch.rand(4, 3)
    assert torch.equal(first(x), second(x))


def test_the_configuration_holds_the_published_name() -> None:
    assert Network("real_npu", [2, 1], modified=True).config == {"unit": "RealNPU", "dims": [2, 1], "modified": True}


def test_stacked_nacs_compose_into_the_product_of_their_weights() -> None:
    torch.manual_seed(0)
    network = NAC(4, 3, 2).double()
    x = np.random.default_rng(0).normal(size=(6, 4))
    product = (network[1].W @ network[0].W).detach().numpy()
    np.testing.assert_allclose(network(torch.from_numpy(x)).detach().numpy(), x @ product.T, rtol=1e-12)


def test_an_exact_copy_keeps_the_weights_and_drops_the_tolerances() -> None:
    network = NALU(2, 2, 1).double()
    exact = network.exact()
    assert all(layer.eps == 0 for layer in exact)
    assert exact[0].G.dtype == torch.float64
    x = torch.rand(9, 2, dtype=torch.float64) + 1
    torch.testing.assert_close(exact(x), network(x), rtol=1e-12, atol=0)


def test_an_exact_copy_takes_what_training_leaves_of_a_zero_for_zero() -> None:
    network = NALU(3, 1).double()
    with torch.no_grad():
        network[0].G.fill_(-100)
        network[0].W.copy_(torch.tensor([[1, 1, -3e-10]]))
    x = torch.tensor([[3.0, 4.0, 0.0], [3.0, 4.0, 5.0]], dtype=torch.float64)
    assert network.exact()(x).detach().tolist() == [[12.0], [12.0]]


@pytest.mark.parametrize("dims", [(), (2,)])
def test_fewer_than_two_widths_are_refused(dims: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^A network needs at least two widths, input and output, got \["):
        NAC(*dims)


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Unknown unit 'LSTM'\. Available: .*NAC, .*NALU, .*\.$"):
        Network("LSTM", [2, 1])
