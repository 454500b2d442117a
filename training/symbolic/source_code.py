"""A formula as SymPy, as a function of NumPy arrays, and as source code in Python, C and Excel."""

# ruff: noqa: ARG002, N802, N815 - SymPy finds the methods of its printers by these names

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from keyword import kwlist, softkwlist

import numpy as np
import sympy
from sympy.printing.numpy import NumPyPrinter
from sympy.printing.str import StrPrinter

from models.arrays import FloatArray

_C_WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long main register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while abs acos acosh
asin asinh atan atan2 atanh cbrt ceil copysign cos cosh drem erf erfc exp exp2 exp10 expm1 fabs fdim finite floor fma
fmax fmin fmod frexp gamma hypot ilogb infinity j0 j1 jn ldexp lgamma log log10 log1p log2 logb lrint lround modf nan
nearbyint nextafter pow pow10 remainder remquo rint round scalb scalbn signgam significand sin sincos sinh sqrt tan
tanh tgamma trunc y0 y1 yn
"""
_RESERVED = frozenset([*kwlist, *softkwlist, "numpy", "functools", *_C_WORDS.split()])
"""Words that are no names of arguments and functions in Python or C; with an underscore behind, they are."""


@dataclass(frozen=True)
class SymbolicExpression:
    """An expression of a table's columns.

    Args:
        value: the expression.
        symbols: one for each column.
        columns: their names.
    """

    value: sympy.Expr
    symbols: tuple[sympy.Symbol, ...]
    columns: tuple[str, ...]

    def to_sympy(self) -> sympy.Expr:
        """The expression in real symbols of the columns' names."""
        names = {symbol: sympy.Symbol(name, real=True) for symbol, name in zip(self.symbols, self.columns, strict=True)}
        return self.value.xreplace(names)

    def to_numpy(self) -> Callable[..., FloatArray]:
        """A function of all columns, in their order: numbers or arrays that broadcast; not finite where it is not."""
        compute = sympy.lambdify(self.symbols, self.value, "numpy")

        def law(*columns: object) -> FloatArray:
            values = np.broadcast_arrays(*(np.asarray(column, dtype=np.float64) for column in columns))
            with np.errstate(all="ignore"):
                return np.asarray(compute(*values) + np.zeros(values[0].shape))

        return law

    def named(self, function: str) -> tuple[sympy.Expr, str, list[str]]:
        """The expression in symbols that are arguments of a function, its name, and theirs."""
        function, *arguments = _identifiers([function, *self.columns])
        symbols = {old: sympy.Symbol(new, real=True) for old, new in zip(self.symbols, arguments, strict=True)}
        return self.value.xreplace(symbols), function, arguments


def python_code(expression: SymbolicExpression, target: str) -> str:
    """A function of numbers or NumPy arrays."""
    value, function, arguments = expression.named(target)
    code = NumPyPrinter({"precision": 17}).doprint(value)
    imports = "import functools\n\nimport numpy" if "functools." in code else "import numpy"
    unpacked = [f"    {name} = numpy.asarray({name}, dtype=float)" for name in arguments]
    lines = [imports, "\n", f"def {function}({', '.join(arguments)}):", *unpacked, f"    return {code}"]
    return "\n".join(lines) + "\n"


def c_code(expression: SymbolicExpression, target: str) -> str:
    """A function of doubles, in C89 (whose cube root of a negative number is nan, as the law's is)."""
    value, function, arguments = expression.named(target)
    code = sympy.ccode(value.xreplace({sympy.pi: sympy.Float(math.pi), sympy.nan: sympy.Symbol("NAN")}), standard="C89")
    parameters = ", ".join(f"double {name}" for name in arguments)
    return f"#include <math.h>\n\ndouble {function}({parameters})\n{{\n    return {code};\n}}\n"


def excel_code(expression: SymbolicExpression, _: str) -> str:
    """A formula of row 2, which stands below a header; the columns are A, B and so on, in the order of the inputs."""
    cells = {symbol: sympy.Symbol(f"{_letters(place)}2") for place, symbol in enumerate(expression.symbols)}
    return f"={_ExcelPrinter({'order': 'none'}).doprint(expression.value.subs(cells, simultaneous=True))}\n"


WRITERS: dict[str, Callable[[SymbolicExpression, str], str]] = {
    "python": python_code,
    "c": c_code,
    "excel": excel_code,
}
"""Functions of an expression and its target's name, by language."""


class _ExcelPrinter(StrPrinter):  # type: ignore[misc]
    """English names; powers as POWER, as Excel's ``-2^2`` is 4."""

    NAMES = {"Abs": "ABS", "Max": "MAX", "Min": "MIN", "log": "LN"}  # noqa: RUF012

    def _print_Function(self, expr: sympy.Function) -> str:
        name = type(expr).__name__
        return f"{self.NAMES.get(name, name.upper())}({', '.join(map(self._print, expr.args))})"

    _print_Max = _print_Min = _print_Abs = _print_Function

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:
        if expr.exp == sympy.Rational(1, 2):
            return f"SQRT({self._print(expr.base)})"
        return f"POWER({self._print(expr.base)}, {self._print(expr.exp)})"

    def _print_Piecewise(self, expr: sympy.Piecewise) -> str:
        *known, _ = expr.args
        return "".join(f"IF({self._print(c.lhs)}={self._print(c.rhs)}, {self._print(v)}, " for v, c in known) + (
            "NA()" + ")" * len(known)
        )

    def _print_Float(self, expr: sympy.Float) -> str:
        return repr(float(expr)).upper()

    def _print_Pi(self, expr: sympy.Expr) -> str:
        return "PI()"

    def _print_Exp1(self, expr: sympy.Expr) -> str:
        return "EXP(1)"


def _identifiers(names: Sequence[str]) -> list[str]:
    """Names of a function and its arguments in Python and C, each once."""
    found: list[str] = []
    for name in names:
        word = re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_") or "x"
        word = f"x{word}" if word[0].isdigit() else word
        word = f"{word}_" if word in _RESERVED else word
        number, unique = 2, word
        while unique in found:
            number, unique = number + 1, f"{word}_{number}"
        found.append(unique)
    return found


def _letters(place: int) -> str:
    """A, B ... Z, AA: the name of a spreadsheet's column."""
    before, last = divmod(place, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)
