"""Fits a table: split, law or unit, the MLP baseline, the extrapolation plot."""
