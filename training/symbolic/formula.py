"""The formula of a network, as text and as LaTeX, where one formula holds for every input."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from keyword import iskeyword
from typing import Any

import numpy as np
import sympy
from torch import Tensor, nn

from models.arrays import FloatArray
from models.law import Law
from models.lookup import Lookup
from training.symbolic.class_constant import ClassConstant
from training.symbolic.source_code import SymbolicExpression

EXACT_WITHIN = 1e-6
"""A weight of a unit counts as the integer that it is this close to: the largest error of the default models."""
LARGEST_DENOMINATOR = 12
_FUNCTIONS: dict[str, Callable[..., sympy.Expr]] = {
    **{name: getattr(sympy, name) for name in ("exp", "log", "sin", "cos", "tan", "tanh")},
    **{f"arc{name}": getattr(sympy, f"a{name}") for name in ("sin", "cos", "tan")},
    "abs": sympy.Abs,
    "min": sympy.Min,
    "max": sympy.Max,
}
_NAMES = {function.__name__: name for name, function in _FUNCTIONS.items()}
RESERVED_NAMES = (*_FUNCTIONS, "Abs", "pi", "sign", "sqrt")
"""Reserved in formulas: columns of these names are quoted."""


@dataclass(frozen=True)
class Formula:
    """An expression, as text such as ``0.5 * m * v**2``, as LaTeX, and as SymPy has it."""

    text: str
    latex: str
    symbolic: SymbolicExpression | None = field(default=None, compare=False, repr=False)


def formula(network: nn.Module, columns: Sequence[str]) -> Formula | None:
    """The formula of a network of one output, or None.

    A ``Law`` always has one. Networks of NAC, NAU, NMU, sNMU, NMRU, MC-FC, MulMCFC and AMU have one when the weights
    that they use are whole numbers within 1e-6, and those of DMU always, as theirs are whole in evaluation. A NALU's
    gate depends on the input, so what it computes holds where it was trained, and no formula holds beyond.

    Args:
        network: a ``Law`` or a ``Network``.
        columns: names of its inputs.
    """
    symbols = [sympy.Symbol(f"x{place:04d}", real=True) for place in range(len(columns))]
    expression = _law(network, symbols) if isinstance(network, Law) else _stack(network, symbols)
    if expression is None:
        return None
    symbolic = SymbolicExpression(ClassConstant.spelled_out(expression), tuple(symbols), tuple(columns))
    return Formula(_text(expression, columns), _latex(expression, symbols, columns), symbolic)


def _law(law: Law, symbols: Sequence[sympy.Expr]) -> sympy.Expr:
    W, negative, C, V = (tensor.detach().cpu().numpy() for tensor in (law.W, law.negative, law.C, law.V))
    symbols = [*symbols, *(_feature(feature, symbols) for feature in law.features)]
    order = sorted(range(len(W)), key=lambda j: (-W[j]).tolist())  # as one would write it: a before b, a**2 before a
    W, negative, C = W[order], negative[order], C[:, order]
    sums = [
        _sum([_number(c) * _term(W[j], negative[j], symbols) for j, c in enumerate(constants) if c]) for constants in C
    ]
    powers = [_power(part, power) for part, power in zip(sums, V, strict=True)]
    powers = [power for power in powers if power != 1] or powers[:1]
    return powers[0] if len(powers) == 1 else sympy.Mul(*powers, evaluate=False)


def _feature(feature: Any, symbols: Sequence[sympy.Expr]) -> sympy.Expr:
    if isinstance(feature, Lookup):
        pairs = zip(feature.values.tolist(), feature.constants.tolist(), strict=True)
        return ClassConstant(symbols[feature.column], *(_number(number) for pair in pairs for number in pair))
    arguments = [_law(law, symbols) for law in feature.arguments]
    return arguments[0] if feature.function == "identity" else _FUNCTIONS[feature.function](*arguments)


def _term(exponents: FloatArray, negative: FloatArray, symbols: Sequence[sympy.Expr]) -> sympy.Expr:
    factors = []
    for symbol, power, sign in zip(symbols, exponents, negative, strict=True):
        by_parity = power == np.round(power) and sign == 1 - 2 * (abs(power) % 2)
        base = symbol if by_parity or np.isnan(sign) else sympy.Abs(symbol)
        if power or not by_parity:
            factors.append(_power(base, power) * (sympy.sign(symbol) if not by_parity and sign == -1 else 1))
    return sympy.Mul(*factors)


def _power(base: sympy.Expr, power: float) -> sympy.Expr:
    if power == 1:
        return base
    near = Fraction(power).limit_denominator(LARGEST_DENOMINATOR)
    exact = abs(float(near) - power) < 1e-9
    return sympy.Pow(base, sympy.Rational(near.numerator, near.denominator) if exact else sympy.Float(power))


def _sum(terms: Sequence[sympy.Expr]) -> sympy.Expr:
    """The terms in order, those with a plus first, so that no formula starts with a minus without need."""
    ordered = sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))
    return sympy.Add(*ordered, evaluate=False) if len(ordered) > 1 else (ordered[0] if ordered else sympy.Integer(0))


def _number(value: float) -> sympy.Expr:
    """A constant in its simplest form: a whole number, a decimal, a fraction or a multiple of pi."""
    value = float(value)
    if value == round(value) and abs(value) < 1e15:
        return sympy.Integer(round(value))
    if len(repr(abs(value))) > 8:
        for unit, name in ((1.0, sympy.Integer(1)), (float(np.pi), sympy.pi)):
            near = Fraction(value / unit).limit_denominator(LARGEST_DENOMINATOR)
            if near and abs(float(near) * unit / value - 1) < 1e-14:
                return sympy.Rational(near.numerator, near.denominator) * name
    return sympy.Float(value)


def _stack(network: nn.Module, symbols: Sequence[sympy.Symbol]) -> sympy.Expr | None:
    """The output of layer after layer, each with whole weights; None if a layer has others, or depends on its input."""
    values: list[sympy.Expr] = list(symbols)
    for layer in network.children():
        read = _LAYERS.get(type(layer).__name__.upper())
        weights = {name: value.detach().cpu().double().numpy() for name, value in _weights(layer).items()}
        outputs = [] if read is None else read(values, weights)
        if not outputs or None in outputs:
            return None
        values = [output for output in outputs if output is not None]
    return values[0] if len(values) == 1 else None


def _weights(layer: nn.Module) -> dict[str, Tensor]:
    effective = {name: getattr(layer, name, None) for name in ("W", "O")}  # none of the parameters of a NAC, a DMU
    return dict(layer.named_parameters()) | {name: weight for name, weight in effective.items() if weight is not None}


def _whole(row: FloatArray) -> FloatArray | None:
    return row.round() if np.abs(row - row.round()).max() <= EXACT_WITHIN else None


def _sums(values: Sequence[sympy.Expr], weights: Mapping[str, FloatArray]) -> list[sympy.Expr | None]:
    rows = [_whole(row) for row in weights["W"]]
    return [None if row is None else _sum(_collected(row, values)) for row in rows]


def _products(values: Sequence[sympy.Expr], weights: Mapping[str, FloatArray]) -> list[sympy.Expr | None]:
    rows = [_whole(row) for row in weights["W"]]
    return [
        None if row is None else sympy.Mul(*(value for w, value in zip(row, values, strict=True) if w)) for row in rows
    ]


def _quotients(values: Sequence[sympy.Expr], weights: Mapping[str, FloatArray]) -> list[sympy.Expr | None]:
    return _products([*values, *(1 / value for value in values)], weights)


def _either(values: Sequence[sympy.Expr], weights: Mapping[str, FloatArray]) -> list[sympy.Expr | None]:
    found: list[sympy.Expr | None] = []
    for place, gate in enumerate(weights["gate"]):
        if gate > 0:
            found += _sums(values, {"W": weights["W_add"][place : place + 1]})
        else:
            row, negative = _whole(weights["W_mul"][place]), np.where(weights["p"][place] > 0.5, -1.0, 1.0)
            found.append(None if row is None else _term(row, np.where(row == 0, 1.0, negative), values))
    return found


def _shared_out(values: Sequence[sympy.Expr], weights: Mapping[str, FloatArray]) -> list[sympy.Expr | None]:
    shares = np.exp(weights["R_hat"] - weights["R_hat"].max(0))
    shares = (shares / shares.sum(0))[: len(weights["W"])]  # without the trash
    exact = np.abs(shares - weights["W"]).max(1) + np.abs(weights["c"]) <= EXACT_WITHIN  # open gates, factor 1
    return [output if good else None for output, good in zip(_products(values, weights), exact, strict=True)]


def _of_domain(values: Sequence[sympy.Expr], weights: Mapping[str, FloatArray]) -> list[sympy.Expr | None]:
    powers = [sympy.Mul(*(value ** int(w) for w, value in zip(row, values, strict=True))) for row in weights["O"]]
    return [
        total if gate > 0 else power
        for gate, total, power in zip(weights["g"], _sums(values, {"W": weights["O"]}), powers, strict=True)
    ]


_LAYERS = {
    **dict.fromkeys(("NAC", "NAU", "MCFC"), _sums),
    **dict.fromkeys(("NMU", "SNMU"), _products),
    "NMRU": _quotients,
    "MULMCFC": _shared_out,
    "AMU": _either,
    "DMU": _of_domain,
}


def _collected(weights: FloatArray, values: Sequence[sympy.Expr]) -> list[sympy.Expr]:
    total = sympy.expand(sum(int(w) * value for w, value in zip(weights, values, strict=True)))
    return sorted(total.as_ordered_terms(), key=lambda term: str(term).lstrip("-0123456789*")) if total != 0 else []


def _text(expression: sympy.Expr, columns: Sequence[str]) -> str:
    text = sympy.sstr(expression, order="none", full_prec=False)
    text = re.sub(r"\b(\w+)(?=\()", lambda match: _NAMES.get(match[1], match[1]), text)
    text = re.sub(r"(?<!\*)\*(?!\*)|/", r" \g<0> ", text)
    return re.sub(r"x(\d{4})", lambda match: _quoted(columns[int(match[1])]), text)


def _quoted(name: str) -> str:
    word = name.isidentifier() and not iskeyword(name) and name not in RESERVED_NAMES
    return name if word else f'"{name}"'


def _latex(expression: sympy.Expr, symbols: Sequence[sympy.Symbol], columns: Sequence[str]) -> str:
    names = {
        symbol: sympy.latex(sympy.Symbol(name)) if _is_symbol(name) else _words(name)
        for symbol, name in zip(symbols, columns, strict=True)
    }
    return str(sympy.latex(expression, order="none", symbol_names=names))


def _is_symbol(name: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)) and name not in RESERVED_NAMES


def _words(name: str) -> str:
    return r"\text{" + re.sub(r"([\\{}$&#^_%~])", r"\\\1", name) + "}"
