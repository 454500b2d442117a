"""Dimensions of columns: read from units, and checked for a candidate."""
