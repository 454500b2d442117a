"""Cells of the tables."""

from collections.abc import Sequence

from benchmarks.serving.scenarios import median_ratio, ratios


def row(cells: Sequence[str]) -> str:
    """A row of Markdown."""
    return f"| {' | '.join(cells)} |"


def heads(cells: Sequence[str]) -> str:
    """The first row, and the line below it."""
    return f"{row(cells)}\n{row(['---'] * len(cells))}"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """The median of the rounds' ratios, the lowest and the highest."""
    each = ratios(ours, theirs)
    return f"{median_ratio(ours, theirs):.2f} ({min(each):.2f} to {max(each):.2f})"


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
