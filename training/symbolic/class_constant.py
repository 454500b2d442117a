"""The constant of a class in formulas: ``{1: 2.5, 2: 7}[size]``."""

from typing import Any

import sympy


class ClassConstant(sympy.Function):  # type: ignore[misc]
    """One constant for each class: a column's symbol, then value and constant of every class."""

    @property
    def pairs(self) -> list[tuple[sympy.Expr, sympy.Expr]]:
        """Value and constant of every class."""
        return list(zip(self.args[1::2], self.args[2::2], strict=True))

    def _sympystr(self, printer: Any) -> str:
        pairs = ", ".join(f"{printer.doprint(value)}: {printer.doprint(constant)}" for value, constant in self.pairs)
        return f"{{{pairs}}}[{printer.doprint(self.args[0])}]"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        rows = (f"{printer.doprint(constant)} & {printer.doprint(value)}" for value, constant in self.pairs)
        column, lines = printer.doprint(self.args[0]), r" \\ ".join(rows)
        cases = rf"\begin{{cases}} {lines} \end{{cases}}_{{{column}}}"
        return cases if exp is None else rf"\left({cases}\right)^{{{exp}}}"

    @staticmethod
    def spelled_out(expression: sympy.Expr) -> sympy.Expr:
        """The expression with cases in the place of class constants; a class that is not known has none."""

        def cases(column: sympy.Expr, *numbers: sympy.Expr) -> sympy.Expr:
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            return sympy.Piecewise(
                *((constant, sympy.Eq(column, value)) for value, constant in pairs), (sympy.nan, True)
            )

        return expression.replace(ClassConstant, cases)
