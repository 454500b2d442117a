"""Whether a formula has the form of a law: the same products of powers above and below, whatever their constants."""

from collections.abc import Sequence

import sympy

from benchmarks.laws.generate import RandomLaw

Powers = frozenset[tuple[sympy.Expr, ...]]


def same_form(formula: str, law: RandomLaw, columns: Sequence[str]) -> bool:
    """Whether a formula is a sum of the same terms over a sum of the same terms as a law."""
    return _terms(formula, columns) == _terms(str(law), columns)


def _terms(formula: str, columns: Sequence[str]) -> tuple[Powers, Powers] | None:
    """Exponents of the terms above and below, ``(columns,)`` each, over what all have in common; None for others."""
    symbols = sympy.symbols(list(columns), positive=True)
    expression = sympy.nsimplify(sympy.sympify(formula, locals=dict(zip(columns, symbols, strict=True))), rational=True)
    above, below = sympy.fraction(sympy.together(sympy.expand(expression)))
    sums = [_exponents(part, symbols) for part in (above, below)]
    if None in sums:
        return None
    numerator, denominator = (part or [] for part in sums)
    least = [min(term[place] for term in [*numerator, *denominator]) for place in range(len(symbols))]
    shifted = [
        frozenset(tuple(power - low for power, low in zip(term, least, strict=True)) for term in part)
        for part in (numerator, denominator)
    ]
    return shifted[0], shifted[1]


def _exponents(part: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> list[tuple[sympy.Expr, ...]] | None:
    """Exponents of the symbols in each term of a sum; None where a term is no product of powers."""
    found = []
    for term in sympy.Add.make_args(sympy.expand(part)):
        powers = term.as_powers_dict()
        if any(base.free_symbols and base not in symbols for base in powers):
            return None
        found.append(tuple(powers.get(symbol, sympy.Integer(0)) for symbol in symbols))
    return found
