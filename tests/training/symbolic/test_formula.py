import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.law import Law
from models.networks import NAC, NALU, Network
from training.symbolic.formula import Formula, formula


def text(network: torch.nn.Module, columns: tuple[str, ...] = ("a", "b", "c")) -> str:
    found = formula(network, columns)
    assert found is not None
    return found.text


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
        ([[[-1, 0, 1]]], "c - a"),
        ([[[0, 0, 0]]], "0"),
        ([[[1, 1, 0], [1, 0, -1]], [[1, 1]]], "2 * a + b - c"),
    ],
)
def test_a_nac_with_whole_weights_has_its_sum_as_formula(layers: list[list[list[float]]], expected: str) -> None:
    assert text(nac(*layers)) == expected


def test_weights_between_whole_numbers_have_no_formula() -> None:
    network = nac([[1, 1]])
    with torch.no_grad():
        network[0].M_hat.fill_(5)
    assert formula(network, ["a", "b"]) is None


def test_a_nalu_promises_no_formula() -> None:
    assert formula(NALU(2, 1), ["a", "b"]) is None


@pytest.mark.parametrize(
    ("unit", "weights", "expected"),
    [("NAU", [1, -1, 0], "a - b"), ("NMU", [1, 0, 1], "a * c"), ("sNMU", [0, 1, 0], "b")],
)
def test_other_units_with_whole_weights_have_their_formula(unit: str, weights: list[float], expected: str) -> None:
    network = Network(unit, [3, 1]).double()
    with torch.no_grad():
        network[0].W.copy_(torch.tensor([weights]))
    assert text(network) == expected


@pytest.mark.parametrize(
    ("g", "subtract", "W", "expected"),
    [
        (0.1, False, [1, 1, 1], "a + b + c"),
        (0.1, True, [0.9, 0.8, 0.4], "a - b"),
        (-0.1, False, [1, 0, 1], "a * c"),
        (-0.1, True, [1, 1, -1], "a * c / b"),
    ],
)
def test_a_dmu_has_the_formula_of_its_whole_gate_and_selectors(
    g: float, subtract: bool, W: list[float], expected: str
) -> None:
    network = Network("DMU", [3, 1], subtract=subtract).double().eval()
    with torch.no_grad():
        network[0].g.fill_(g)
        network[0].W.copy_(torch.tensor([W]))
    assert text(network) == expected
    x = torch.tensor([[3.0, -2, 5]]).double()
    a, b, c = x[0].tolist()
    assert network(x).item() == pytest.approx(eval(expected, {"a": a, "b": b, "c": c}))


def test_a_frozen_dmu_and_layers_that_conserve_mass_have_their_formula_only_where_it_holds() -> None:
    frozen = Network("DMU", [3, 1], frozen=True, subtract=True).eval()
    for g, expected in ((0.1, "a - b - c"), (-0.1, "a / (b * c)")):
        nn.init.constant_(frozen[0].g, g)
        assert text(frozen) == expected
    for unit, expected in (("MC-FC", "a + c"), ("MulMCFC", "a * c")):
        network = Network(unit, [3, 1], trash=True).double()
        with torch.no_grad():
            network[0].R_hat.copy_(torch.tensor([[30.0, -30, 30], [-30, 30, -30]]))
            assert formula(network, ["a", "b", "c"]) is None  # its gate is half open
            network[0].b.fill_(40)
            assert text(network) == expected
    with torch.no_grad():
        network[0].c.fill_(0.1)
        assert formula(network, ["a", "b", "c"]) is None  # of the last network, a MulMCFC: a factor
        network[0].c.zero_()
        network[0].b.fill_(-40)
        assert formula(network, ["a", "b", "c"]) is None  # its gate is shut, but the sign of its inputs remains


def law(
    W: list[list[float]], C: list[list[float]], V: list[float] | None = None, negative: list[list[float]] | None = None
) -> Law:
    network = Law(len(W[0]), len(W), len(C))
    parity = [[-1.0 if abs(w) % 2 == 1 else 1.0 for w in row] for row in W]
    pairs = ((network.W, W), (network.C, C), (network.V, V or [1.0] * len(C)), (network.negative, negative or parity))
    with torch.no_grad():
        for tensor, values in pairs:
            tensor.copy_(torch.tensor(values, dtype=torch.float64))
    return network


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (law([[1, 2, 0]], [[0.5]]), Formula("0.5 * a * b**2", r"0.5 a b^{2}")),
        (law([[1, -1, 0]], [[1]]), Formula("a / b", r"\frac{a}{b}")),
        (law([[1, 0, 0], [0, 0, 1]], [[-1, 1]]), Formula("c - a", "c - a")),
        (law([[2, 0, 0], [0, 2, 0]], [[1, 1]], [0.5]), Formula("sqrt(a**2 + b**2)", r"\sqrt{a^{2} + b^{2}}")),
        (law([[1, 1, 0]], [[1]], None, [[1.0, -1.0, 1.0]]), Formula("b * abs(a)", r"b \left|{a}\right|")),
        (law([[0, 0, 0]], [[3]]), Formula("3", "3")),
    ],
)
def test_a_law_reads_as_one_would_write_it(network: Law, expected: Formula) -> None:
    assert formula(network, ["a", "b", "c"]) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(np.pi, "pi * a"), (1 / 3, "a / 3"), (6.674e-11, "6.674e-11 * a"), (-1, "-a"), (0.1, "0.1 * a")],
)
def test_constants_have_their_plainest_name(value: float, expected: str) -> None:
    assert text(law([[1]], [[value]]), ("a",)) == expected


def test_columns_keep_their_names_and_odd_ones_are_quoted() -> None:
    product = law([[1, 1]], [[1]])
    found = formula(product, ["unit price", "pieces_2"])
    assert found == Formula('"unit price" * pieces_2', r"\text{unit price} pieces_{2}")
    assert formula(product, ["a*b", "50%_#"]) == Formula('"a*b" * "50%_#"', r"\text{a*b} \text{50\%\_\#}")
    assert text(product, ("x0001", "x0000")) == "x0001 * x0000"
    assert text(product, ("Größe", "E")) == "Größe * E"


@pytest.mark.parametrize("name", ["pi", "sqrt", "Abs", "exp", "max", "arcsin", "sign", "lambda"])
def test_a_column_is_not_mistaken_for_a_word_of_the_formula(name: str) -> None:
    assert text(law([[1]], [[np.pi]]), (name,)) == f'pi * "{name}"'


POWERS = st.sampled_from([-2.0, -1.5, -1.0, -0.5, 0.0, 0.3, 0.5, 1.0, 2.0, 3.0])
CONSTANTS = st.sampled_from([1.0, -1.0, 0.5, -2.5, np.pi, 9.81, 1e-11, 0.123456789, 1 / 7])


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.lists(POWERS, min_size=2, max_size=2), min_size=1, max_size=4),
    st.lists(CONSTANTS, min_size=4, max_size=4),
    st.sampled_from([1.0, -1.0, 0.5, 2.0]),
    st.booleans(),
)
def test_the_text_says_what_the_network_computes(
    exponents: list[list[float]], constants: list[float], outer: float, quotient: bool
) -> None:
    first = [constant * (not quotient or place % 2 == 0) for place, constant in enumerate(constants[: len(exponents)])]
    second = [constant * (place % 2 == 1) for place, constant in enumerate(constants[: len(exponents)])]
    halves = quotient and len(exponents) > 1
    network = law(exponents, [first, second] if halves else [first], [outer, -outer] if halves else [outer])
    rows = np.random.default_rng(0).normal(0, 10, (50, 2))
    with torch.no_grad():
        network.negative[network.W.round() != network.W] = np.nan
        computed = network(torch.from_numpy(rows)).numpy()[:, 0]
    symbols = {name: sympy.Symbol(name, real=True) for name in ("a", "b")}
    read = sympy.lambdify(list(symbols.values()), sympy.sympify(text(network, ("a", "b")), locals=symbols), "numpy")
    with np.errstate(all="ignore"):
        predicted = np.broadcast_to(np.asarray(read(*rows.T), dtype=np.float64), len(rows))
    finite = np.isfinite(computed)
    np.testing.assert_allclose(predicted[finite], computed[finite], rtol=1e-6)
