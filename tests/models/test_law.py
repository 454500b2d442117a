from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from models.law import Law
from training.export.checkpoint import load_checkpoint, save_checkpoint
from training.export.network_files import write_onnx, write_torchscript


def law(
    W: list[list[float]], C: list[list[float]], V: list[float] | None = None, negative: list[list[float]] | None = None
) -> Law:
    network = Law(len(W[0]), len(W), len(C))
    parity = [[-1.0 if abs(w) % 2 == 1 else 1.0 for w in row] for row in W]
    with torch.no_grad():
        for tensor, values in zip(
            (network.W, network.C, network.V, network.negative),
            (W, C, V or [1.0] * len(C), negative or parity),
            strict=True,
        ):
            tensor.copy_(torch.tensor(values, dtype=torch.float64))
    return network.eval()


def says(network: Law, rows: Any) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(network(torch.tensor(rows, dtype=torch.float64))[..., 0])


MIXED = np.random.default_rng(0).uniform(-1e6, 1e6, (200, 3))
HEAT = law([[1, 0, 0], [0, 2, 1], [0, 0, 0]], [[2, -3, 0], [0, 0.5, 7]], [1, -1])


def test_a_law_is_a_quotient_of_sums_of_signed_products() -> None:
    a, b, c = MIXED.T
    np.testing.assert_allclose(says(HEAT, MIXED), (2 * a - 3 * b**2 * c) / (0.5 * b**2 * c + 7), rtol=1e-12)


@pytest.mark.parametrize(
    ("exponents", "negative", "expected"),
    [
        ([1, 0, 0], None, lambda a, b, c: a),
        ([2, -1, 0], None, lambda a, b, c: a**2 / b),
        ([-3, 1, 0], None, lambda a, b, c: b / a**3),
        ([1, 1, 1], [1, -1, 1], lambda a, b, c: np.abs(a * c) * b),
        ([0.5, 0, 0], [1, 1, 1], lambda a, b, c: np.sqrt(np.abs(a))),
        ([2, 0, 0], [-1, 1, 1], lambda a, b, c: a * np.abs(a)),
        ([0, 0, 0], [1, -1, 1], lambda a, b, c: np.sign(b)),
    ],
)
def test_signs_follow_each_columns_own_parity(exponents: list[float], negative: Any, expected: Any) -> None:
    network = law([exponents], [[3]], None, [negative] if negative else None)
    np.testing.assert_allclose(says(network, MIXED), 3 * expected(*MIXED.T), rtol=1e-12)


def test_zeros_are_those_of_arithmetic() -> None:
    product, ratio = law([[1, 1]], [[1]]), law([[1, -1]], [[1]])
    assert says(product, [[0, 5], [5, 0], [0, -5], [0, 0]]).tolist() == [0, 0, 0, 0]
    assert says(ratio, [[3, 0], [-3, 0], [0, 3]]).tolist() == [np.inf, -np.inf, 0]
    assert np.isnan(says(ratio, [[0, 0]]))


def test_a_column_that_does_not_matter_may_hold_zeros() -> None:
    assert says(law([[1, 0]], [[2]]), [[3, 0], [-3, 0]]).tolist() == [6, -6]


def test_a_square_root_of_a_negative_number_is_not_a_number() -> None:
    root = law([[0.5]], [[1]], None, [[np.nan]])
    assert says(root, [[9], [0]]).tolist() == [3, 0]
    assert np.isnan(says(root, [[-9]]))


def test_it_answers_one_row_and_any_batch() -> None:
    for shape in ((3,), (1, 3), (4, 3), (2, 4, 3)):
        assert HEAT(torch.ones(shape, dtype=torch.float64)).shape == (*shape[:-1], 1)


def test_its_widths_are_columns_terms_sums_and_one() -> None:
    assert HEAT.dims == [3, 3, 2, 1]


@pytest.mark.slow
def test_files_answer_as_the_network_does_with_zeros_and_both_signs(tmp_path: Path) -> None:
    signs = [[np.nan, -1.0, 1.0], [1.0, 1.0, -1.0], [1.0, 1.0, 1.0]]
    network = law([[0.5, 1, 0], [0, -2, 1], [0, 0, 0]], [[2, -3, 0], [0, 0.5, 7]], [1, -1], signs)
    rows = np.random.default_rng(1).normal(0, 1e3, (40, 3))
    rows[::5, 0] = 0
    write_onnx(network, torch.from_numpy(rows[:2]), tmp_path / "law.onnx")
    write_torchscript(network, torch.from_numpy(rows[:2]), tmp_path / "law.pt")
    session = onnxruntime.InferenceSession(tmp_path / "law.onnx", providers=["CPUExecutionProvider"])
    script = torch.jit.load(tmp_path / "law.pt")  # type: ignore[no-untyped-call]
    expected = says(network, rows)
    for answer in (session.run(None, {"input": rows})[0], script(torch.from_numpy(rows)).detach().numpy()):
        assert answer.dtype == np.float64
        np.testing.assert_allclose(answer[:, 0], expected, rtol=1e-12)


def test_a_checkpoint_builds_the_same_law_again_with_its_signs(tmp_path: Path) -> None:
    network = law([[0.5, 1], [0, 2]], [[2, 1]], [-1], [[np.nan, 1], [1, -1]])
    save_checkpoint(network, tmp_path / "weights.safetensors")
    again = load_checkpoint(tmp_path / "weights.safetensors")
    assert isinstance(again, Law)
    assert again.config == network.config
    rows = [[4, -3], [-4, 3], [0, 0]]
    np.testing.assert_array_equal(says(again, rows), says(network, rows))


@pytest.mark.parametrize("name", ["in_features", "terms", "sums"])
def test_sizes_below_one_are_refused(name: str) -> None:
    sizes = {"in_features": 1, "terms": 1, "sums": 1, name: 0}
    with pytest.raises(ValueError, match=rf"^{name} must be at least 1, got 0\.$"):
        Law(**sizes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "operators"),
    [
        (law([[1, 1]], [[1]]), ["Unsqueeze", "Pow", "ReduceProd"]),
        (law([[1, -2]], [[0.5]]), ["Unsqueeze", "Pow", "ReduceProd", "MatMul"]),
        (law([[0.5, 0]], [[1]], negative=[[np.nan, 1]]), None),
        (law([[1, 0], [0, 1]], [[1, 1], [1, -1]], [1, -1]), None),
        (law([[2, 0], [0, 1]], [[3, 1]], [0.5]), None),
    ],
    ids=["product", "constant", "root", "quotient", "root-of-sum"],
)
def test_the_simplified_law_says_what_the_law_says_in_fewer_operators(
    network: Law, operators: list[str] | None, tmp_path: Path
) -> None:
    rows = np.concatenate([np.random.default_rng(0).uniform(-9, 9, (200, 2)), [[0, 0], [0, 1], [1, 0], [-2, 0]]])
    simple = network.simplified()
    with torch.no_grad():
        np.testing.assert_array_equal(simple(torch.tensor(rows)).numpy()[:, 0], says(network, rows))
    write_onnx(simple, torch.tensor(rows), tmp_path / "simple.onnx")
    write_onnx(network, torch.tensor(rows), tmp_path / "law.onnx")
    graphs = [onnx.load(tmp_path / f"{name}.onnx").graph for name in ("simple", "law")]
    used, plain = ([node.op_type for node in graph.node if node.op_type != "Constant"] for graph in graphs)
    assert len(used) <= len(plain)
    assert operators is None or used == operators
