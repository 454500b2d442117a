"""Saves a training while it runs, so that the same command resumes it after an interruption.

A file is written under another name and then renamed: whenever the process ends, the file holds the last state or the
new one, never half of one.
"""

import io
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from time import monotonic
from typing import Any, Protocol

import torch

from training.output.whole_file import write_whole_file
from training.trainer.state import TrainingState

SAVE_INTERVAL_SECONDS = 5.0
"""Least time between two saves: the work that an interruption can cost, in addition to the current epoch."""


class Stateful(Protocol):
    """Further state that a training needs to resume."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers, texts, and lists and dicts of them."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from ``state_dict()``."""


class TrainingCheckpoint:
    """The file that one training is saved in.

    Args:
        path: the file; its folder is made when it is needed.
        fingerprint: of all that decides the weights: options, data, code. A file of another fingerprint is ignored.
        parts: what is saved with the training, by name.
        seconds: least time between two saves; None: ``SAVE_INTERVAL_SECONDS``.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        path: Path,
        fingerprint: str,
        parts: Mapping[str, Stateful] | None = None,
        *,
        seconds: float | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.path = path
        self._fingerprint = fingerprint
        self._parts = parts or {}
        self._seconds = SAVE_INTERVAL_SECONDS if seconds is None else seconds
        self._clock = clock
        self._saved_at = clock()

    def load(self, training: TrainingState) -> tuple[int, bool]:
        """Load the file into ``training`` and the parts; returns the epochs done, and whether training had finished.

        Without a file of this fingerprint nothing changes, and the result is ``(0, False)``.
        """
        saved = self._read()
        if saved is None:
            return 0, False
        training.load_state_dict(saved["training"])
        for name, part in self._parts.items():
            part.load_state_dict(saved["parts"][name])
        return saved["epochs"], saved["finished"]

    def save(self, training: TrainingState, epochs: int, *, finished: bool) -> None:
        """Save the state after this many epochs, unless the last save is recent and training goes on.

        Raises:
            OSError: the file cannot be written; with its path.
        """
        if not finished and self._clock() - self._saved_at < self._seconds:
            return
        state = {
            "fingerprint": self._fingerprint,
            "epochs": epochs,
            "finished": finished,
            "training": training.state_dict(),
            "parts": {name: part.state_dict() for name, part in self._parts.items()},
        }
        content = io.BytesIO()
        torch.save(state, content)  # on a full disk, PyTorch's own errors name neither the file nor the reason
        write_whole_file(self.path, content.getbuffer())
        self._saved_at = self._clock()

    def epochs(self) -> int | None:
        """Epochs done according to the file; None without a file of this fingerprint."""
        saved = self._read()
        return None if saved is None else int(saved["epochs"])

    def _read(self) -> dict[str, Any] | None:
        """The file's content; None if it is missing, damaged or of another fingerprint."""
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, UnpicklingError):
            return None
        matches = isinstance(saved, dict) and saved.get("fingerprint") == self._fingerprint
        return saved if matches else None


@dataclass(frozen=True)
class CheckpointFolder:
    """The folder in which one command saves its trainings while they run.

    Args:
        folder: made when it is needed, and removed when the command is done.
        fingerprint: of all that decides the weights: options, data, code.
    """

    folder: Path
    fingerprint: str

    def checkpoint(self, title: str, parts: Mapping[str, Stateful] | None = None) -> TrainingCheckpoint:
        """The file of one training; see ``TrainingCheckpoint``."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", title)
        return TrainingCheckpoint(self.folder / f"{name}.pt", self.fingerprint, parts)

    def message(self) -> str:
        """Whether the command resumes from this folder; empty without one."""
        found = [TrainingCheckpoint(path, self.fingerprint).epochs() for path in sorted(self.folder.glob("*.pt"))]
        if not found:
            return ""
        if all(epochs is None for epochs in found):
            return f"{self.folder} is of another command or other images; training starts anew."
        done = sum(epochs or 0 for epochs in found)
        return f"Resuming from {self.folder}: {done} epochs are done."

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
