"""The runs: which units learn which task, with how many seeds, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.units import UNITS
from training.errors import InputError, warn_renamed
from training.research.sequences.recurrent_cell import LSTM, ON_CLASSES, ORACLE, current_name
from training.research.sequences.task import SEQUENCE_TASKS

MAIN_SEEDS = 10
"""As published, for the unit that a task is made for and for the oracle of the success criterion."""
OTHER_SEEDS = 3

MAIN = {
    "sum": ("NAU" + ON_CLASSES, "NAU", ORACLE),
    "product": ("NMU" + ON_CLASSES, "NMU", ORACLE),
    "count": ("NAU" + ON_CLASSES, ORACLE),
}
OTHER = {"sum": ("NAC", "NALU", LSTM), "product": ("NAC-dot", "NALU", LSTM), "count": ("NAU", "NAC", "NALU", LSTM)}


@dataclass(frozen=True)
class Run:
    """One model to train and test."""

    task: str
    unit: str
    seed: int

    @property
    def key(self) -> tuple[str, str, int]:
        """The same as of its record."""
        return (self.task, self.unit, self.seed)


def runs(tasks: Sequence[str] | None, units: Sequence[str] | None, seeds: int | None) -> list[Run]:
    """The chosen runs, the most informative first: a few seeds of the main rows, those of the others, then the rest."""
    rows = _rows(tasks, units)
    main = [row for row in rows if row[1] in MAIN[row[0]]]
    other = [row for row in rows if row not in main]
    waves = [(main, range(OTHER_SEEDS)), (other, range(OTHER_SEEDS)), (main, range(OTHER_SEEDS, MAIN_SEEDS))]
    if seeds is not None:
        waves = [(main, range(seeds)), (other, range(seeds))]
    return [Run(task, unit, seed) for part, numbers in waves for seed in numbers for task, unit in part]


def _rows(tasks: Sequence[str] | None, units: Sequence[str] | None) -> list[tuple[str, str]]:
    chosen = [_task(name) for name in tasks] if tasks else list(MAIN)
    if not units:
        return [(task, unit) for task in chosen for unit in (*MAIN[task], *OTHER[task])]
    return [(task, unit) for task in chosen for unit in map(canonical, units)]


def _task(name: str) -> str:
    if name.lower() not in SEQUENCE_TASKS:
        raise InputError(f"--tasks {name} is not a task on sequences; give {', '.join(SEQUENCE_TASKS)}.")
    return name.lower()


def canonical(name: str) -> str:
    """The one spelling of a cell's name."""
    current = current_name(name)
    if current != name:
        warn_renamed(f"--units '{name}'", f"'{current}'")
        name = current
    ending = ON_CLASSES if name.lower().endswith(ON_CLASSES) else ""
    return UNITS.canonical(name[: len(name) - len(ending)], also=[ORACLE, LSTM]) + ending


def order(task: str, unit: str) -> tuple[int, str]:
    """Sorts units into the order of a task's tables."""
    rows = (*MAIN[task], *OTHER[task])
    return (rows.index(unit) if unit in rows else len(rows), unit)
