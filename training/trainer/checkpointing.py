"""Saves a training while it runs, so that the same command goes on after an interruption.

A file is written beside and renamed: whatever ends the process, and when, either the last or the new state is there.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from time import monotonic
from typing import Any, Protocol

import torch

from training.trainer.state import TrainingState

SECONDS = 5.0
"""Least time between two savings: what an interruption can cost, beside the epoch that it falls into."""


class Stateful(Protocol):
    """What else must be saved for training to go on as if nothing had happened."""

    def state(self) -> dict[str, Any]:
        """Tensors, numbers, texts, and lists and dicts of them."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from ``state()``."""


class TrainingCheckpoint:
    """The file that one training is saved in.

    Args:
        path: the file; its folder is made when it is needed.
        fingerprint: of all that decides the weights: options, data, code. A file of another fingerprint is not used.
        parts: what is saved with the training, by name.
        seconds: least time between two savings; None: ``SECONDS``.
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
        self._seconds = SECONDS if seconds is None else seconds
        self._clock = clock
        self._saved = clock()

    def load(self, run: TrainingState) -> tuple[int, bool]:
        """Put a saved training into ``run`` and the parts; epochs that are done, and whether that was all.

        Where there is none for this fingerprint, ``(0, False)``, and nothing is changed.
        """
        saved = self._read()
        if saved is None:
            return 0, False
        run.restore(saved["run"])
        for name, part in self._parts.items():
            part.restore(saved["parts"][name])
        return saved["epochs"], saved["finished"]

    def save(self, run: TrainingState, epochs: int, *, finished: bool) -> None:
        """Save the state after so many epochs, unless the last saving is too recent to cost much."""
        if not finished and self._clock() - self._saved < self._seconds:
            return
        state = {
            "fingerprint": self._fingerprint,
            "epochs": epochs,
            "finished": finished,
            "run": run.state(),
            "parts": {name: part.state() for name, part in self._parts.items()},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(self.path.name + ".new")
        torch.save(state, beside)
        beside.replace(self.path)
        self._saved = self._clock()

    def epochs(self) -> int | None:
        """Epochs that are done and saved; None where there is nothing to go on from."""
        saved = self._read()
        return None if saved is None else int(saved["epochs"])

    def _read(self) -> dict[str, Any] | None:
        """The file's content; None if it is missing, of another fingerprint, or no file of ours."""
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, UnpicklingError):
            return None
        ours = isinstance(saved, dict) and saved.get("fingerprint") == self._fingerprint
        return saved if ours else None


@dataclass(frozen=True)
class CheckpointFolder:
    """The folder in which the trainings of one command are saved while they run.

    Args:
        folder: made when it is needed, and removed when the command is done.
        fingerprint: of all that decides the weights: options, data, code.
    """

    folder: Path
    fingerprint: str

    def training(self, title: str, parts: Mapping[str, Stateful] | None = None) -> TrainingCheckpoint:
        """Where one of the trainings is saved; see ``TrainingCheckpoint``."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", title)
        return TrainingCheckpoint(self.folder / f"{name}.pt", self.fingerprint, parts)

    def note(self) -> str:
        """What a new training will do with the folder; empty where there is none."""
        found = [TrainingCheckpoint(path, self.fingerprint).epochs() for path in sorted(self.folder.glob("*.pt"))]
        if not found:
            return ""
        if all(epochs is None for epochs in found):
            return f"{self.folder} is of another command or other images; training starts anew."
        done = sum(epochs or 0 for epochs in found)
        return f"Going on with what {self.folder} holds: {done} epochs are done."

    def remove(self) -> None:
        """Throw away what is no longer needed."""
        shutil.rmtree(self.folder, ignore_errors=True)
