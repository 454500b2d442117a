"""A smooth surrogate of a table, a Gaussian process: which columns matter, and which enter only together."""

from training.symbolic.surrogate.relevance import Relevance, relevant_columns

__all__ = ["Relevance", "relevant_columns"]
