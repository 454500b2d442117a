"""A sample of the rows of a table, and its duplicate columns, from one pass over chunks."""

import numpy as np

from models.arrays import FloatArray, IntArray

MAX_ROWS = 65_536
"""Rows sampled from a longer table, beside the few with the lowest and highest values."""


class RowSample:
    """A uniform sample of rows, and the rows with the lowest and highest value of a column.

    Reservoir sampling with random priorities (Vitter 1985): every row gets one as it is read, and the rows of the
    lowest priorities stay. The sample depends on the rows and the seed, not on the chunks.
    """

    def __init__(self, width: int, seed: int) -> None:
        self.values: FloatArray = np.empty((0, width))
        self.rows = 0
        self.numbers: IntArray = np.empty(0, dtype=np.int64)
        self._priorities: FloatArray = np.empty(0)
        self._random = np.random.default_rng(seed)

    def add(self, values: FloatArray, numbers: IntArray) -> None:
        """Take in the next rows, ``(rows, width)``, and their numbers in the file, ``(rows,)``."""
        self.rows += len(values)
        self.values = np.concatenate([self.values, values])
        self.numbers = np.concatenate([self.numbers, numbers])
        self._priorities = np.concatenate([self._priorities, self._random.random(len(values))])
        if len(self.values) > MAX_ROWS:
            kept = np.zeros(len(self.values), dtype=np.bool_)
            kept[np.argpartition(self._priorities, MAX_ROWS)[:MAX_ROWS]] = True
            kept[self.values.argmin(0)] = kept[self.values.argmax(0)] = True
            self.values, self.numbers, self._priorities = self.values[kept], self.numbers[kept], self._priorities[kept]

    @property
    def notes(self) -> list[str]:
        """A sentence for the user about sampling; none where every row is here."""
        if self.rows == len(self.values):
            return []
        rest = "those with the lowest or highest value of a column"
        return [f"Kept {MAX_ROWS:,} of {self.rows:,} rows, drawn at random, and {rest}."]


class DuplicateColumns:
    """Finds columns that are equal in every row: ``leaders[i]`` is the first column that equals column ``i``."""

    def __init__(self, width: int) -> None:
        self.leaders = [0] * width

    def compare(self, values: FloatArray) -> None:
        """Take in the next rows: ``(rows, width)``."""
        seen: dict[tuple[int, bytes], int] = {}
        for i, column in enumerate((values + 0.0).T):  # + 0.0 makes -0.0 the 0.0 that it equals
            self.leaders[i] = seen.setdefault((self.leaders[i], column.tobytes()), i)
