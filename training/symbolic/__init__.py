"""Symbolic regression: finds the arithmetic law of a table, with its operations, relevant columns and constants."""

from training.symbolic.find_law import find_law
from training.symbolic.law_result import LawResult

__all__ = ["LawResult", "find_law"]
