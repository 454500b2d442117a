"""Rivals: other formulas that explain the rows as well as the best, and where they part from it."""
