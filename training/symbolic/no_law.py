"""Why no law is found, in words."""

from collections.abc import Callable, Sequence

import numpy as np

from models.alternatives import Rival
from models.arrays import IntArray
from training.symbolic.candidate import Candidate
from training.symbolic.search import SearchResult

MAX_NAMED_ROWS = 5
"""Rows that a reason names, at most."""
Outliers = tuple[Candidate, IntArray]
"""The law of all rows but a few, and the places of those."""


def column_names(columns: Sequence[str] | None, width: int) -> Sequence[str]:
    """Names of columns, or ``x0``, ``x1`` and so on."""
    return [f"x{place}" for place in range(width)] if columns is None else columns


def search_reason(found: SearchResult, seconds: float) -> str:
    """Why no law is found, with what the time was enough for."""
    if found.stopped_at is None:
        return str(found.reason)
    return (
        f"the search stopped after {seconds:g} s, at {found.stopped_at} (raise --seconds); until then, {found.reason}"
    )


def rival_reason(rivals: Sequence[Rival]) -> str:
    """Why no law is found, where formulas explain the rows equally well: which, where they part, what to measure."""
    place = " and ".join(f"{name} = {value:.3g}" for name, value in rivals[1].parts_at.items())
    more = f" (and {len(rivals) - 2} more)" if len(rivals) > 2 else ""
    return (
        f"{rivals[0].formula} and {rivals[1].formula}{more} explain the rows equally well and part at {place}; measure "
        f"at {place} to tell them apart"
    )


def outlier_reason(
    outliers: Outliers | None, text: Callable[[Candidate], str], numbers: Sequence[int] | IntArray | None
) -> str | None:
    """Why no law is found, where the rows at some places do not follow the law of the others; None without any."""
    if outliers is None:
        return None
    rows, law = outliers[1] if numbers is None else np.asarray(numbers)[outliers[1]], text(outliers[0])
    if len(rows) == 1:
        return f"row {rows[0]} does not follow {law}, as all other training rows do; correct it or leave it out"
    named = ", ".join(map(str, rows[:MAX_NAMED_ROWS].tolist())) + ", ..." * (len(rows) > MAX_NAMED_ROWS)
    return f"rows {named} do not follow {law}, as all other training rows do; correct them or leave them out"
