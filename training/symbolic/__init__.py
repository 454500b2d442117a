"""Finds the arithmetic law of a table: told neither the operation, nor the columns that matter, nor the constants."""

from training.symbolic.find_law import Finding, find_law

__all__ = ["Finding", "find_law"]
