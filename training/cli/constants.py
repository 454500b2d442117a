"""A law's constants with their standard errors, for people."""

import math

from models.uncertainty import UncertainConstant, Uncertainty

MAX_LISTED = 8
"""Constants that are printed."""


def constants_line(uncertainty: Uncertainty) -> str:
    """The constants as fitted, each with its standard error and what it multiplies; empty for an exact law."""
    if uncertainty.noise == "rounding":
        return ""
    shown = [f"{with_error(constant)} ({_place(constant)})" for constant in uncertainty.constants[:MAX_LISTED]]
    more = len(uncertainty.constants) - len(shown)
    return ", ".join(shown) + (f", and {more} more in the manifest" if more else "")


def with_error(constant: UncertainConstant) -> str:
    """A fitted constant to the digit of its standard error, as ``0.5002 +- 0.0003``."""
    error = float(f"{constant.standard_error:.1g}")
    if not error:
        return f"{constant.estimate:.6g} +- 0"
    return f"{round(constant.estimate, -math.floor(math.log10(error))):.15g} +- {error:.15g}"


def _place(constant: UncertainConstant) -> str:
    term = "constant" if constant.term == "1" else constant.term
    return f"{term} in {constant.function}" if constant.function else term
