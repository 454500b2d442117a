"""``python -m training sequences``."""

from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import cache
from pathlib import Path

from training.data.mnist import load_mnist
from training.research.sequences import records
from training.research.sequences.digits import DigitImages, DigitSplit, split_digits
from training.research.sequences.evaluate import SEQUENCES
from training.research.sequences.plan import Run, runs
from training.research.sequences.recurrent_cell import ORACLE
from training.research.sequences.render import write_report
from training.research.sequences.run import run_once
from training.research.sequences.task import SEQUENCE_TASKS
from training.research.sequences.train import RunSettings, settings_for
from training.trainer.executors.open import open_executor
from training.trainer.executors.tasks import completed, one_thread

FILE = "sequences.json"
QUICK = (("sum", "NAU", 0), ("product", "NMU", 0), ("sum", ORACLE, 0), ("product", ORACLE, 0))
QUICK_IMAGES = 2_600
QUICK_SEQUENCES = 500


def run_sequences(options: Namespace) -> None:
    """Make the runs that are not in the results yet, and save every one as it finishes."""
    chosen = _chosen(options)
    parts = _digits(options.quick)
    if options.quick:
        print("--quick shows that everything runs; its figures do not measure the units.")
    folder: Path = options.out or Path("reports" if options.quick else "docs/results")
    path = folder / FILE
    steps = {record.key: record.steps for record in records.read(path)}
    folder.mkdir(parents=True, exist_ok=True)
    pending = [run for run in chosen if steps.get(run.key) != _steps(run, parts, options.quick)]
    if len(pending) < len(chosen):
        print(f"{len(chosen) - len(pending)} of {len(chosen)} runs are in {path} already.")
    try:
        with open_executor(options.on, options.jobs) as executor:
            _run_all(executor, pending, path, options.quick)
    finally:
        found = records.read(path)
        if found:
            write_report(found, folder)
    print(f"results  {path}\ntable    {path.with_suffix('.md')}\nplot     {path.with_suffix('.png')}")


def _chosen(options: Namespace) -> list[Run]:
    if options.quick and not (options.tasks or options.units):
        return [Run(*run) for run in QUICK]
    return runs(options.tasks, options.units, options.seeds or (1 if options.quick else None))


def _settings(run: Run, quick: bool) -> RunSettings:
    settings = settings_for(SEQUENCE_TASKS[run.task], run.unit)
    return replace(settings, epochs=1) if quick else settings


def _steps(run: Run, parts: DigitSplit, quick: bool) -> int:
    """Steps of a run; a recorded run with another number of steps is repeated."""
    return _settings(run, quick).steps(len(parts.train.of(SEQUENCE_TASKS[run.task])))


@cache
def _digits(quick: bool) -> DigitSplit:
    """The digits of this machine, read once: a worker reads its own, as they are too large to send with every run."""
    parts = split_digits(load_mnist())
    if not quick:
        return parts
    return DigitSplit(*(_first(part, QUICK_IMAGES) for part in (parts.train, parts.validation, parts.test)))


def _run_all(executor: Executor, pending: Sequence[Run], path: Path, quick: bool) -> None:
    titles = [
        f"{number}/{len(pending)} {run.task} {run.unit}, seed {run.seed}" for number, run in enumerate(pending, 1)
    ]
    tasks = [(run, quick, title) for run, title in zip(pending, titles, strict=True)]
    for index, record in completed(executor, measure, tasks):
        records.add(path, record)
        task = SEQUENCE_TASKS[record.task]
        ends = task.train_length, task.lengths[-1]
        errors = ", ".join(f"{_short(record.mae[str(length)])} at length {length}" for length in ends)
        print(f"{titles[index]}: mean absolute error {errors}; {record.seconds:.0f} s")


def measure(run: Run, quick: bool, title: str) -> records.RunRecord:
    """The record of one run, in one thread: a batch is too small for several."""
    sequences = QUICK_SEQUENCES if quick else SEQUENCES
    with one_thread():
        return run_once(run, _digits(quick), _settings(run, quick), sequences, title)


def _first(digits: DigitImages, count: int) -> DigitImages:
    return DigitImages(digits.images[:count], digits.labels[:count])


def _short(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3g}"
