"""Symbolic regression: finds the arithmetic law of a table, with its operations, relevant columns and constants."""

from training.symbolic.find_law import LawResult, find_law

__all__ = ["LawResult", "find_law"]
