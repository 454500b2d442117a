"""What find_law returns: a network, and its formula where it is a law."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from models.alternatives import FrontEntry, Rival
from models.arrays import FloatArray
from models.law import Law
from training.symbolic.formula import Formula
from training.symbolic.source_code import SymbolicExpression
from training.symbolic.uncertainty import LawUncertainty


@dataclass(frozen=True)
class LawResult:
    """The result of ``find_law``: the best network, and its formula where it is a law.

    Args:
        network: computes the law in float64; where none was found, the best approximation.
        expression: of the law; None if no law was found.
        reason: why no law was found, one clause; None if one was.
        uncertainty: of the law's constants; None where no law was found, or it cannot be computed.
        remark: one sentence on the units of the law's numbers; None where none was found, or units are not known.
        front: the best formula of each complexity that was tried, with its error on these rows; the law is one.
        rivals: formulas that explain the rows equally well, where therefore none is claimed; else empty.
    """

    network: Law
    expression: Formula | None
    reason: str | None
    uncertainty: LawUncertainty | None = None
    remark: str | None = None
    front: Sequence[FrontEntry] = ()
    rivals: Sequence[Rival] = ()

    @property
    def formula(self) -> str | None:
        """The law as text, such as ``0.5 * m * v**2``."""
        return self.expression.text if self.expression else None

    @property
    def latex(self) -> str | None:
        """The law as LaTeX."""
        return self.expression.latex if self.expression else None

    @property
    def symbolic(self) -> SymbolicExpression:
        """The law for other programs: ``symbolic.to_sympy()``, ``symbolic.to_numpy()``.

        Raises:
            ValueError: no law was found.
        """
        if self.expression is None or self.expression.symbolic is None:
            raise ValueError(f"There is no law to convert: {self.reason}.")
        return self.expression.symbolic

    def to_sympy(self) -> Any:
        """The law as a SymPy expression in real symbols, named as the columns; ValueError without a law."""
        return self.symbolic.to_sympy()

    def to_numpy(self) -> Callable[..., FloatArray]:
        """The law as a function of all columns, numbers or arrays, without PyTorch; ValueError without a law."""
        return self.symbolic.to_numpy()
