"""How long a model takes for so many rows, by what it took before."""

from math import inf


class LatencyEstimator:
    """Seconds of batches by their size, in powers of two."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self.last = 0.0
        """Seconds of the last batch."""

    def record(self, rows: int, seconds: float) -> None:
        """Remember what so many rows took."""
        self.last = seconds
        if rows:  # what no rows take says nothing of others
            size = rows.bit_length()
            # one long run is the machine's doing; several are the model's
            self._seconds[size] = min(seconds, 2 * self._seconds.get(size, seconds))

    def seconds(self, rows: int) -> float:
        """What so many rows will take at most, by batches of their size or the next smaller; infinity if unknown."""
        size = rows.bit_length()
        known = size
        while known and known not in self._seconds:
            known -= 1
        return self._seconds.get(known, inf) * 2 ** (size - known) if rows else 0.0
