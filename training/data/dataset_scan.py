"""Collects the rows of a label file: usable images, unusable rows, duplicates."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from models.arrays import ByteArray
from training.data.arena import Arena
from training.data.label_rows import Row
from training.errors import InputError

MAX_IN_MEMORY_BYTES = 2**30
"""Images that take more memory than this are decoded again on every access."""
BAD_SHOWN = 10


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used, why, and what to do about it, where that is not obvious."""

    place: str
    problem: str
    repair: str = ""

    def __str__(self) -> str:
        return f"{self.place} {self.problem}" + (f"; {self.repair}" if self.repair else "")


class ReadImage(NamedTuple):
    """The image of a row, its file, the SHA-256 of that, and a sentence about it where there is one."""

    file: Path
    pixels: ByteArray
    sha: str
    warning: str | None = None


Outcome = BadRow | ReadImage


class DatasetScan:
    """The rows read so far.

    Args:
        labels: the file that names the images, or their folder, for messages.
        strict: reject the first unusable row, and images with two labels.
        expected: bytes of all images, where known; above the limit none is kept in memory.
    """

    def __init__(self, labels: Path, strict: bool, expected: int = 0) -> None:
        self.labels, self.strict = labels, strict
        self.rows: list[Row] = []
        self.bad: list[BadRow] = []
        self.images: list[ByteArray] | None = [] if expected <= MAX_IN_MEMORY_BYTES else None
        self.arena = Arena()
        self.digest = hashlib.sha256()
        self.shapes: list[tuple[int, ...]] = []
        self.total = 0
        self.files: list[Path] = []
        self.first_of: dict[str, int] = {}
        self.first: list[int] = []
        self.warnings: list[str] = []

    def add(self, row: Row, outcome: Outcome) -> None:
        """Add a row: its image, or why it is unusable.

        Raises:
            InputError: it is unusable, and ``strict`` is set.
        """
        if isinstance(outcome, BadRow):
            if self.strict:
                separator = ", or" if outcome.repair else "; correct it, or"
                raise InputError(f"{self.labels}, {outcome}{separator} leave out --strict to go on without it.")
            self.bad.append(outcome)
            return
        file, image, sha, warning = outcome
        self.first.append(self.first_of.setdefault(sha, len(self.rows)))
        self.rows.append(row)
        self.files.append(file)
        if warning is not None:
            self.warnings.append(f"{row.place}: {warning}")
        self.shapes.append(image.shape)
        self.digest.update(f"{sha} {len(row.label)} {row.label}".encode())
        self.total += image.nbytes
        if self.total > MAX_IN_MEMORY_BYTES:
            self.images = None
        if self.images is not None:
            self.images.append(self.arena.copy(image))

    @property
    def kind(self) -> str:
        """What was read."""
        return "files" if self.labels.is_dir() else "rows"

    def check(self, rows: int, task: str) -> None:
        """Reject a file most of whose rows are unusable.

        Raises:
            InputError: more than half of the rows are unusable.
        """
        if 2 * len(self.bad) > rows:
            unfit = sum("not a number" in bad.problem for bad in self.bad)
            repair = "use --task classification" if 2 * unfit > rows and task == "regression" else "check --images"
            raise InputError(
                f"{self.labels}: {len(self.bad):,} of {rows:,} {self.kind} cannot be used, more than half; {repair}, "
                f"or correct them. The first is {self.bad[0]}."
            )

    def notes(self, rows: int) -> list[str]:
        """Sentences about the rows that are left out, duplicates and memory."""
        notes = []
        if self.bad:
            are = "is" if len(self.bad) == 1 else "are"
            notes.append(f"{len(self.bad):,} of {rows:,} {self.kind} cannot be used and {are} left out:")
            notes += _shown(self.bad)
        if self.warnings:
            files = "file is used with a warning" if len(self.warnings) == 1 else "files are used with warnings"
            notes.append(f"{len(self.warnings):,} {files}:")
            notes += _shown(self.warnings)
        if self.images is None:
            notes.append(f"The images take {self.total / 2**30:.1f} GiB, so they are decoded anew in every epoch.")
        return notes


def _shown(entries: Sequence[object]) -> list[str]:
    more = [f"  and {len(entries) - BAD_SHOWN:,} more"] if len(entries) > BAD_SHOWN else []
    return [f"  {entry}" for entry in entries[:BAD_SHOWN]] + more
