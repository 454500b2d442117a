"""Base classes of the recipes: arithmetic tasks, single digits and aggregates of digits."""

from pathlib import Path
from typing import Protocol


class Recipe(Protocol):
    """Makes one default model."""

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:
        """Train, measure and export as version 1, in the place of an earlier one; write plots into their folder.

        Returns:
            The version folder.
        """
