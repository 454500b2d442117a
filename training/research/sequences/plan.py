"""Which units take part in which task, with how many seeds, and in which order the runs are made."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.units import UNITS
from training.errors import InputError
from training.research.sequences.recurrent_cell import LSTM, ON_CLASSES, ORACLE
from training.research.sequences.task import SEQUENCE_TASKS

MAIN_SEEDS = 10
"""As published, for the unit that a task is made for and for the baseline of the success criterion."""
OTHER_SEEDS = 3

MAIN = {
    "sum": ("NAU" + ON_CLASSES, "NAU", ORACLE),
    "product": ("NMU" + ON_CLASSES, "NMU", ORACLE),
    "count": ("NAU" + ON_CLASSES, ORACLE),
}
OTHER = {"sum": ("NAC", "NALU", LSTM), "product": ("NAC-dot", "NALU", LSTM), "count": ("NAU", "NAC", "NALU", LSTM)}


@dataclass(frozen=True)
class Run:
    """One model to be trained and tested."""

    task: str
    unit: str
    seed: int

    @property
    def key(self) -> tuple[str, str, int]:
        """As of its record."""
        return (self.task, self.unit, self.seed)


def runs(tasks: Sequence[str] | None, units: Sequence[str] | None, seeds: int | None) -> list[Run]:
    """The runs asked for, in the order of what they tell: a few of each main row first, all seeds of it last."""
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
        raise InputError(f"--tasks {name} is no task on sequences; give {', '.join(SEQUENCE_TASKS)}.")
    return name.lower()


def canonical(name: str) -> str:
    """The one spelling of a cell's name."""
    ending = ON_CLASSES if name.lower().endswith(ON_CLASSES) else ""
    return UNITS.canonical(name[: len(name) - len(ending)], also=[ORACLE, LSTM]) + ending


def order(task: str, unit: str) -> tuple[int, str]:
    """Where a unit stands among the rows of a task's tables."""
    rows = (*MAIN[task], *OTHER[task])
    return (rows.index(unit) if unit in rows else len(rows), unit)
