"""The cells of a model's columns as numbers, and why one is none."""

from collections.abc import Iterator, Sequence
from math import isfinite, isinf, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHOWN_CHARACTERS = 40


def parse_number(text: str) -> float:
    """A number as Python writes it, with blanks around it or without; NaN where it is none."""
    try:
        return float(text) if "_" not in text else nan  # Python takes 1_000
    except ValueError:
        return nan


def fault_of(cell: Any) -> str | None:
    """What is wrong with a cell that must be a finite number, as the end of a sentence; None: nothing.

    Args:
        cell: text, a number, or None where there is no value.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return "is blank"
    number = parse_number(cell) if isinstance(cell, str) else float(cell)
    if isfinite(number):
        return None
    shown = str(cell).strip()[:_SHOWN_CHARACTERS]
    is_number = not isinstance(cell, str) or isinf(number) or shown.lstrip("+-").lower() == "nan"
    return f"is {shown}, which is not finite" if is_number else f"is '{shown}', which is not a number"


def faults(inputs: NDArray[np.float64], names: Sequence[str], columns: Sequence[Any]) -> Iterator[tuple[int, str, str]]:
    """The first fault of each row that has one, in order: its index, its column, and what is wrong.

    Args:
        inputs: ``(rows, columns)``, not finite where a cell is no finite number.
        names: of the columns.
        columns: their cells by row, as ``fault_of`` takes them; Arrow arrays too.
    """
    for row in np.flatnonzero(~np.isfinite(inputs).all(1)).tolist():
        place = int(np.isfinite(inputs[row]).argmin())
        cell = columns[place][row]
        fault = fault_of(cell.as_py() if hasattr(cell, "as_py") else cell)
        yield row, names[place], fault or "is not finite"
