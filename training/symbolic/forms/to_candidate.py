"""Writes a form with fitted constants as a candidate: products of powers of sums, with features for what is inside."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate, Feature
from training.symbolic.forms.nodes import Column, FunctionNode, Node, Number, Operation, evaluate, is_constant

Place = int | FunctionNode
"""What a power is of: a column, by its place, or a feature, as the part of the form that it computes."""


@dataclass(frozen=True)
class Term:
    """A constant times a product of powers."""

    constant: float
    powers: tuple[tuple[Place, float], ...] = ()

    def times(self, other: "Term") -> "Term":
        powers = dict(self.powers)
        for place, power in other.powers:
            powers[place] = powers.get(place, 0.0) + power
        return Term(self.constant * other.constant, tuple(item for item in powers.items() if item[1]))


Sum = tuple[Term, ...]
Product = list[tuple[Sum, float]]
"""Sums, each with its power."""


@dataclass(frozen=True)
class FormWriter:
    """Writes the parts of a form as candidates.

    Args:
        constants: those of the form, ``(constants,)``.
        inputs: ``(rows, columns)``; their signs decide which powers of products are products of powers.
    """

    constants: FloatArray
    inputs: FloatArray

    def candidate(self, node: Node) -> Candidate:
        """The candidate that computes a part of the form.

        Raises:
            ValueError: a constant that results from others is not finite.
        """
        product = self._folded(self.product(node))
        places = [place for terms, _ in product for term in terms for place, _ in term.powers]
        features = list(dict.fromkeys(place for place in places if isinstance(place, FunctionNode)))
        terms = [(term, k) for k, (terms, _) in enumerate(product) for term in terms]
        width = self.inputs.shape[1]
        exponents = np.zeros((len(terms), width + len(features)))
        for row, (term, _) in enumerate(terms):
            for place, power in term.powers:
                exponents[row, width + features.index(place) if isinstance(place, FunctionNode) else place] = power
        whole = exponents == np.round(exponents)
        candidate = Candidate(
            exponents,
            np.where(whole, 1.0 - 2 * (np.abs(exponents) % 2), np.nan),
            np.array([term.constant for term, _ in terms]),
            np.array([k for _, k in terms], dtype=np.int64),
            np.array([power for _, power in product]),
            tuple(Feature(call.function, tuple(map(self.candidate, call.arguments))) for call in features),
        )
        if not np.isfinite(candidate.constants).all():
            raise ValueError("its constants are not finite")
        return candidate

    def product(self, node: Node) -> Product:
        """A part of the form as a product of powers of sums."""
        if is_constant(node):
            return [((Term(self._value(node)),), 1.0)]
        match node:
            case Column(place):
                return [((Term(1.0, ((place, 1.0),)),), 1.0)]
            case Operation("+", left, right):
                return [(_merged(self.terms(left) + self.terms(right)), 1.0)]
            case Operation("*", left, right):
                return self.product(left) + self.product(right)
            case Operation("/", left, right):
                return self.product(left) + [(terms, -power) for terms, power in self.product(right)]
            case Operation("**", left, right) if is_constant(right):
                return self._power(left, self._value(right))
            case Operation("**", left, right):
                logarithm = (
                    Number(float(np.log(self._value(left)))) if is_constant(left) else FunctionNode("log", (left,))
                )
                return [(_place(FunctionNode("exp", (Operation("*", right, logarithm),))), 1.0)]
            case FunctionNode():
                return [(_place(node), 1.0)]
        raise AssertionError(node)

    def terms(self, node: Node) -> Sum:
        """A part of the form as a sum of terms."""
        product = self._folded(self.product(node))
        if len(product) == 1 and product[0][1] == 1:
            return product[0][0]
        return _place(FunctionNode("identity", (node,)))

    def _power(self, base: Node, power: float) -> Product:
        """A power of a part: the powers of its factors, unless their signs forbid it."""
        product = self._folded(self.product(base))
        if power == round(power) or all(self._is_positive(terms) and inner % 2 for terms, inner in product):
            return [(terms, inner * power) for terms, inner in product]
        if len(product) == 1 and product[0][1] == 1:
            return [(product[0][0], power)]
        return [(_place(FunctionNode("identity", (base,))), power)]

    def _folded(self, product: Product) -> Product:
        """The product with its sums of one term as one term, where their powers are powers of each factor."""
        lead, rest = Term(1.0), []
        for terms, power in product:
            folded = self._term_power(terms[0], power) if len(terms) == 1 else None
            if folded is None:
                rest.append((terms, power))
            else:
                lead = lead.times(folded)
        if not rest or lead.powers:
            return [((lead,), 1.0), *rest]
        if rest[0][1] == 1:
            return [(tuple(lead.times(term) for term in rest[0][0]), 1.0), *rest[1:]]
        return rest if lead.constant == 1 else [((lead,), 1.0), *rest]

    def _term_power(self, term: Term, power: float) -> Term | None:
        """The power of a term as a term; None where the signs of its factors forbid it."""
        if power != round(power) and not (
            self._is_positive((Term(term.constant),))
            and all(self._is_positive(((Term(1.0, ((place, 1.0),))),)) and inner % 2 for place, inner in term.powers)
        ):
            return None
        with np.errstate(all="ignore"):
            constant = float(np.float64(term.constant) ** power)
        return Term(constant, tuple((place, inner * power) for place, inner in term.powers))

    def _is_positive(self, terms: Sum) -> bool:
        """Whether a sum is positive on every row."""
        with np.errstate(all="ignore"):
            values = np.zeros(len(self.inputs))
            for term in terms:
                factors = [self._values(place) ** power for place, power in term.powers]
                values = values + term.constant * np.prod(factors, axis=0, initial=1.0)
        return bool((values > 0).all())

    def _values(self, place: Place) -> FloatArray:
        return self.inputs[:, place] if isinstance(place, int) else evaluate(place, self.inputs, self.constants)[0]

    def _value(self, node: Node) -> float:
        """The value of a part without columns."""
        with np.errstate(all="ignore"):
            return float(evaluate(node, self.inputs[:1], self.constants)[0][0])


def _place(call: FunctionNode) -> Sum:
    return (Term(1.0, ((call, 1.0),)),)


def _merged(terms: Sum) -> Sum:
    """The sum with one term for each product of powers."""
    merged: dict[frozenset[tuple[Place, float]], Term] = {}
    for term in terms:
        key = frozenset(term.powers)
        merged[key] = Term(term.constant + (merged[key].constant if key in merged else 0.0), term.powers)
    return tuple(merged.values())
