import numpy as np
import pytest
import torch

from models.units.nsr import NSR


def nsr(*, sign: float, zero: float, bias: float, hard: bool = False, scale: float = 1.0) -> NSR:
    """Compares the first of three inputs with the last."""
    unit = NSR(3, 1, redundancy=1, hard=hard, scale=scale).double()
    unit.V_1.data = torch.tensor([[40.0, 0, 0]]).double()
    unit.V_2.data = torch.tensor([[0.0, 0, 40]]).double()
    unit.W_sign.data[:], unit.W_zero.data[:], unit.b.data[:] = sign, zero, bias
    return unit


def test_it_computes_the_published_equation_over_all_pairs_of_operands() -> None:
    torch.manual_seed(0)
    unit = NSR(3, 2, redundancy=4, scale=0.5).double()
    x = np.random.default_rng(0).uniform(-3, 3, (20, 3))
    V_1, V_2, W_sign, W_zero = (w.detach().numpy() for w in (unit.V_1, unit.V_2, unit.W_sign, unit.W_zero))
    expected = np.empty((20, 2))
    for output in range(2):
        logit = np.zeros(20)
        for pair in range(4):
            p, q = (np.exp(V[output, 3 * pair : 3 * pair + 3]) for V in (V_1, V_2))
            bit = np.tanh(0.5 * (x @ (p / p.sum()) - x @ (q / q.sum())))
            logit += W_sign[output, pair] * bit + W_zero[output, pair] * (1 - 2 * bit**2)
        expected[:, output] = 1 / (1 + np.exp(-logit))
    np.testing.assert_allclose(unit(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("weights", "law"),
    [
        ({"sign": 100.0, "zero": -50.0, "bias": 0.0}, np.greater),
        ({"sign": 100.0, "zero": 50.0, "bias": 0.0}, np.greater_equal),
        ({"sign": 0.0, "zero": 50.0, "bias": 0.0}, np.equal),
        ({"sign": 0.0, "zero": -50.0, "bias": 0.0}, np.not_equal),
    ],
    ids=["greater", "greater_equal", "equal", "not_equal"],
)
@pytest.mark.parametrize("hard", [False, True])
def test_ideal_weights_compare_whole_numbers_up_to_1e14(weights: dict[str, float], law: np.ufunc, hard: bool) -> None:
    random = np.random.default_rng(0)
    a, noise = random.integers(-(10**14), 10**14, (2, 200))
    b = a + random.integers(-2, 3, 200)
    x = np.stack([a, noise // 10**13, b], 1).astype(float)
    y = nsr(**weights, hard=hard)(torch.from_numpy(x)).detach().numpy()[:, 0]
    np.testing.assert_allclose(y, law(a, b), atol=1e-3)


def test_hard_bits_tell_apart_what_soft_ones_cannot() -> None:
    x = torch.tensor([[1.0, 0, 1 + 1e-12], [1, 0, 1], [1 + 1e-12, 0, 1]], dtype=torch.float64)
    weights = {"sign": 100.0, "zero": -50.0, "bias": 0.0}
    assert nsr(**weights, hard=True)(x).flatten().tolist() == [0, 0, 1]
    assert nsr(**weights)(x).max() < 1e-9


def test_start_values_have_the_published_spread() -> None:
    torch.manual_seed(0)
    unit = NSR(6, 200, redundancy=10)
    assert unit.V_1.std().item() == pytest.approx((2 / 16) ** 0.5, rel=0.03)
    assert unit.W_zero.std().item() == pytest.approx((2 / 11) ** 0.5, rel=0.05)
    assert unit.b.abs().max() == 0
    assert NSR.HYPERPARAMETERS.loss == "absolute"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"redundancy": 0}, "redundancy must be at least 1, got 0."), ({"scale": 0}, "scale must be above 0, got 0.")],
)
def test_a_bad_register_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        NSR(2, 1, **options)  # type: ignore[arg-type]
