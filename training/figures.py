"""Figures and how they are saved."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float, dpi: int = 110) -> "Figure":
    """An empty figure, its size in inches."""
    from matplotlib.figure import Figure  # slow to import, and only here

    return Figure(figsize=(width, height), dpi=dpi, layout="constrained")


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a PNG without metadata; its folder is made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a letter that the font lacks is drawn as a box
        figure.savefig(path, metadata={"Software": None})
