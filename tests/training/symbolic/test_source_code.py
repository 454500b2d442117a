"""Laws as SymPy, NumPy and source code: each is run, and compared with the network."""

import ctypes
import math
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch

from models.law import Law
from models.manifest import Manifest
from training.__main__ import main
from training.estimator import ArithmeticRegressor
from training.metrics import predict
from training.symbolic import find_law
from training.symbolic.formula import formula
from training.symbolic.source_code import WRITERS, SymbolicExpression

COLUMNS = ["mass", "unit price", "lambda"]


def law(W: object, C: object, V: object = (1.0,), negative: object = None, features: tuple[dict, ...] = ()) -> Law:
    exponents = torch.tensor(W, dtype=torch.float64)
    network = Law(exponents.shape[1] - len(features), len(exponents), len(torch.tensor(C)), features)
    with torch.no_grad():
        network.W.copy_(exponents)
        network.C.copy_(torch.tensor(C))
        network.V.copy_(torch.tensor(V))
        parity = torch.where(exponents.round() == exponents, 1 - 2 * (exponents.abs() % 2), torch.nan)
        network.negative.copy_(parity if negative is None else torch.tensor(negative))
    return network.eval()


def with_feature(function: str, inner: list[list[list[float]]]) -> Law:
    """``2 + 0.3 * function(inner products)``."""
    arguments = [{"in_features": 3, "terms": 1, "sums": 1} for _ in inner]
    network = law([[0, 0, 0, 0], [0, 0, 0, 1]], [[2, 0.3]], features=({"function": function, "arguments": arguments},))
    with torch.no_grad():
        for argument, (exponents, constant) in zip(network.features[0].arguments, inner, strict=True):
            argument.W.copy_(torch.tensor([exponents]))
            argument.negative.copy_(1 - 2 * (argument.W.abs() % 2))
            argument.C.fill_(constant[0])
    return network


LAWS = {
    "product": law([[1, 2, 0]], [[0.1]]),
    "quotient": law([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, -0.3, 0], [0, 0, 1 / 3]], [1, -1]),
    "roots": law([[0.5, -1 / 3, 0], [0, 0, 0]], [[math.pi, -1e-7]]),
    "sizes": law([[1, 2, -0.5]], [[-2.5]], negative=[[1.0, -1.0, 1.0]]),
    "root of a sum": law([[2, 0, 0], [0, 2, 0]], [[1, 4]], [0.5]),
    "number": law([[0, 0, 0]], [[7.25]]),
    **{
        name: with_feature(name, [[[1.0, -1.0, 0.0], [0.05]]])
        for name in ("exp", "sin", "cos", "tan", "tanh", "arctan", "abs")
    },
    **{name: with_feature(name, [[[0.0, 2.0, 0.0], [0.001]]]) for name in ("log", "arcsin", "arccos")},
    **{name: with_feature(name, [[[1.0, 0.0, 0.0], [1.0]], [[0.0, 1.0, 0.0], [2.0]]]) for name in ("min", "max")},
}
ROWS = np.concatenate(
    [np.random.default_rng(0).uniform(0.5, 9, (50, 3)), np.random.default_rng(1).uniform(-9, 9, (50, 3))]
)


def symbolic(network: Law) -> SymbolicExpression:
    found = formula(network, COLUMNS)
    assert found is not None
    assert found.symbolic is not None
    return found.symbolic


def same(computed: np.ndarray, network: Law) -> None:
    expected = predict(network, ROWS)[:, 0]
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(computed), finite)
    assert finite[:50].all()
    np.testing.assert_allclose(computed[finite], expected[finite], rtol=1e-12)


@pytest.fixture(params=LAWS)
def network(request: pytest.FixtureRequest) -> Law:
    return LAWS[request.param]


def test_its_function_of_arrays_computes_what_the_network_does(network: Law) -> None:
    same(symbolic(network).to_numpy()(*ROWS.T), network)


def test_its_python_runs(network: Law) -> None:
    code = WRITERS["python"](symbolic(network), "unit price")
    scope: dict[str, Callable[..., np.ndarray]] = {}
    exec(code, scope)
    with np.errstate(all="ignore"):
        same(np.broadcast_to(scope["unit_price"](*ROWS.T), len(ROWS)), network)


def test_its_excel_formula_computes_the_same(network: Law) -> None:
    def power(base: float, exponent: float) -> float:
        return float(np.float64(base) ** exponent)

    # Excel's functions by an own small table; EXP and the like fail on no row here
    names = {name.upper(): getattr(np, name) for name in ("exp", "sin", "cos", "tan", "tanh", "sqrt", "abs", "sign")}
    names |= {"LN": np.log, "ASIN": np.arcsin, "ACOS": np.arccos, "ATAN": np.arctan, "MIN": min, "MAX": max}
    names |= {"POWER": power, "PI": lambda: math.pi}
    code = WRITERS["excel"](symbolic(network), "y")
    assert re.fullmatch(r"=[-+*/(), A-Z0-9.]+\n", code)
    with np.errstate(all="ignore"):
        cells = [dict(zip(("A2", "B2", "C2"), map(np.float64, row), strict=True)) for row in ROWS]
        same(np.array([float(eval(code[1:], names | cell)) for cell in cells]), network)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.slow
def test_its_c_compiles_and_computes_the_same(tmp_path: Path) -> None:
    codes = [WRITERS["c"](symbolic(each), f"law {place}") for place, each in enumerate(LAWS.values())]
    (tmp_path / "laws.c").write_text("\n".join(codes))
    command = ["cc", "-std=c99", "-pedantic-errors", "-Wall", "-Werror", "-shared", "-fPIC", "-o", "laws.so", "laws.c"]
    subprocess.run([*command, "-lm"], cwd=tmp_path, check=True)
    library = ctypes.CDLL(str(tmp_path / "laws.so"))
    for place, network in enumerate(LAWS.values()):
        function = library[f"law_{place}"]
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * 3
        same(np.array([function(*row) for row in ROWS.tolist()]), network)


def test_its_latex_is_balanced(network: Law) -> None:
    found = formula(network, COLUMNS)
    assert found is not None
    assert found.latex.count("{") == found.latex.count("}")
    assert found.latex.count(r"\left") == found.latex.count(r"\right")


def test_names_that_a_language_reserves_or_shares_are_changed() -> None:
    product = formula(law([[1, 1, 1, 1]], [[1]]), ["a b", "a-b", "2nd", "numpy"])
    assert product is not None
    assert product.symbolic is not None
    assert "def y1_(a_b, a_b_2, x2nd, numpy_):" in WRITERS["python"](product.symbolic, "y1")
    assert "double y1_(double a_b, double a_b_2, double x2nd, double numpy_)" in WRITERS["c"](product.symbolic, "y1")
    assert WRITERS["excel"](product.symbolic, "y1") == "=A2*B2*C2*D2\n"


def test_results_and_estimators_convert_their_law() -> None:
    m, v = np.random.default_rng(0).uniform(1, 9, (2, 40))
    X, y = np.column_stack([m, v]), 0.5 * m * v**2
    mass, speed = sympy.symbols("m v", real=True)
    result = find_law(X, y[:, None], columns=["m", "v"])
    assert sympy.simplify(result.to_sympy() - mass * speed**2 / 2) == 0
    np.testing.assert_allclose(result.to_numpy()(m, v), y, rtol=1e-12)
    np.testing.assert_allclose(result.to_numpy()(2, [3, 4]), [9, 16])
    model = ArithmeticRegressor(random_state=0).fit(X, y)
    assert model.to_sympy().free_symbols == set(sympy.symbols("x0 x1", real=True))
    np.testing.assert_allclose(model.to_numpy()(m, v), y, rtol=1e-12)


def test_where_no_law_is_found_there_is_nothing_to_convert() -> None:
    X = np.arange(6.0)[:, None]
    model = ArithmeticRegressor(rounds=0, random_state=0).fit(X, [0, 3, 1, 5, 2, 7])
    assert model.formula_ is None
    with pytest.raises(ValueError, match=r"^There is no law to convert: .+\.$"):
        model.to_sympy()


def test_export_prints_or_writes_the_code_of_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "kinetic-energy", "--code", "excel"]) == 0
    assert capsys.readouterr().out == "=0.5*A2*POWER(B2, 2)\n"
    assert main(["export", "kinetic-energy", "--code", "latex"]) == 0
    assert capsys.readouterr().out == "0.5 mass speed^{2}\n"
    assert main(["export", "kinetic-energy", "--code", "python", "--output", str(tmp_path / "law.py")]) == 0
    scope: dict[str, Callable[..., np.ndarray]] = {}
    exec((tmp_path / "law.py").read_text(), scope)
    columns = Manifest.read(Path("repository/kinetic-energy/1")).outputs[0].columns
    assert columns is not None
    np.testing.assert_allclose(scope[columns[0]]([2, 4], 3), [9, 18])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digit", "--code", "c"], "'digit' has no formula that holds for every input, so there is no code to write; "),
        (["add", "--output", "x.py"], "--output is for --code; leave it out, or add --code python|c|excel|latex."),
    ],
)
def test_what_gives_no_code_is_one_sentence(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"nalu-serve: {message}")
