"""Dimensional analysis: units of columns, the laws in which they agree, and the search among those."""
