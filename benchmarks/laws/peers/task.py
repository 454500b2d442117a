"""What a tool gets and what it answers, as files: its environment holds NumPy, but nothing of this project's."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

TABLE, ANSWER = "table.npz", "answer.npz"
READY = "ready"
"""What a program prints when its imports are done; its time begins."""
SHARE = 0.9
"""Of the time is for the search itself; the rest is for predictions."""

FloatArray = NDArray[np.float64]


@dataclass
class Task:
    """A table, and points at which the target is asked.

    Args:
        folder: for the answer.
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        outside: points beyond the table's range, ``(points, columns)``.
        columns: names.
        noise: relative standard deviation of the target's errors.
        seconds: from the first answer of ``left`` to the end of the search.
    """

    folder: Path
    inputs: FloatArray
    target: FloatArray
    outside: FloatArray
    columns: list[str]
    noise: float
    seconds: float

    def __post_init__(self) -> None:
        self._started = perf_counter()

    @classmethod
    def read(cls, folder: Path) -> "Task":
        """The task that ``write`` wrote; its time begins."""
        with np.load(folder / TABLE) as file:
            arrays = [file[name] for name in ("inputs", "target", "outside")]
            names = [str(name) for name in file["columns"]]
            return cls(folder, *arrays, names, float(file["noise"]), SHARE * float(file["seconds"]))

    def write(self) -> None:
        """Put it into its folder."""
        np.savez(
            self.folder / TABLE,
            inputs=self.inputs,
            target=self.target,
            outside=self.outside,
            columns=np.array(self.columns),
            noise=self.noise,
            seconds=self.seconds,
        )

    def left(self) -> float:
        """Seconds left for the search."""
        return self.seconds - (perf_counter() - self._started)

    def answer(self, predicted: FloatArray, formula: str | None) -> None:
        """Answer, or replace the last answer: what is there when the time is up counts.

        Args:
            predicted: at the points outside, ``(points,)``.
            formula: as the tool prints it; None where it claims none.
        """
        path = self.folder / f"next-{ANSWER}"
        np.savez(path, predicted=np.asarray(predicted, dtype=np.float64).reshape(-1), formula=np.array(formula or ""))
        path.replace(self.folder / ANSWER)
