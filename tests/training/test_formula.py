import pytest
import torch

from models.networks import NAC, NALU, Network
from training.formula import formula


def nac(*layers: list[list[float]]) -> Network:
    widths = [len(layers[0][0]), *(len(layer) for layer in layers)]
    network = NAC(*widths).double()
    with torch.no_grad():
        for unit, weights in zip(network, layers, strict=True):
            unit.W_hat.copy_(40 * torch.tensor(weights))
            unit.M_hat.fill_(40)
    return network


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([[[1, 1, 0]]], "a + b"),
        ([[[1, -1, 0]]], "a - b"),
        ([[[-1, 0, 1]]], "-a + c"),
        ([[[0, 0, 0]]], "0"),
        ([[[1, 1, 0], [1, 0, -1]], [[1, 1]]], "2 * a + b - c"),
    ],
)
def test_a_nac_with_whole_weights_has_its_sum_as_formula(layers: list[list[list[float]]], expected: str) -> None:
    assert formula(nac(*layers), ["a", "b", "c"]) == expected


def test_weights_between_whole_numbers_have_no_formula() -> None:
    network = nac([[1, 1]])
    with torch.no_grad():
        network[0].M_hat.fill_(5)
    assert formula(network, ["a", "b"]) is None


def test_a_nalu_promises_no_formula() -> None:
    assert formula(NALU(2, 1), ["a", "b"]) is None
