"""Tasks for tests of executors; a process that runs one imports nothing large."""

import os
import time
from pathlib import Path

from training.errors import InputError


def name_process(folder: Path, name: str, seconds: float) -> str:
    time.sleep(seconds)
    (folder / name).write_text(str(os.getpid()))
    return name


def refuse(name: str) -> None:
    raise InputError(f"{name} is refused.")


def die_once(folder: Path, name: str) -> int:
    """The process that ran the task to its end; the task 'b' ends the first one that runs it."""
    starts = folder / name
    starts.write_text(starts.read_text() + "+" if starts.exists() else "+")
    if name == "b" and starts.read_text() == "+":
        os._exit(9)
    return os.getpid()


def die(starts: Path) -> None:
    starts.write_text(starts.read_text() + "+" if starts.exists() else "+")
    os._exit(9)


RUNNING: list[str] = []


def overlap(name: str) -> int:
    RUNNING.append(name)
    time.sleep(0.05)
    count = len(RUNNING)
    RUNNING.remove(name)
    return count
