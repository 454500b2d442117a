"""``python -m training sequences``."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

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

FILE = "sequences.json"
QUICK = (("sum", "NAU", 0), ("product", "NMU", 0), ("sum", ORACLE, 0), ("product", ORACLE, 0))
QUICK_IMAGES = 2_600
QUICK_SEQUENCES = 500


def run_sequences(options: Namespace) -> None:
    """Make the runs that are not in the results yet, and save every one as it finishes."""
    chosen = _chosen(options)
    parts = split_digits(load_mnist())
    if options.quick:
        print("--quick shows that everything runs; its figures do not measure the units.")
        parts = DigitSplit(*(_first(part, QUICK_IMAGES) for part in (parts.train, parts.validation, parts.test)))
    folder: Path = options.out or Path("reports" if options.quick else "docs/results")
    path = folder / FILE
    steps = {record.key: record.steps for record in records.read(path)}
    folder.mkdir(parents=True, exist_ok=True)
    pending = [run for run in chosen if steps.get(run.key) != _steps(run, parts, options.quick)]
    if len(pending) < len(chosen):
        print(f"{len(chosen) - len(pending)} of {len(chosen)} runs are in {path} already.")
    try:
        _run_all(pending, parts, path, options.quick)
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


def _run_all(pending: Sequence[Run], parts: DigitSplit, path: Path, quick: bool) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a batch is too small for several threads
    try:
        for number, run in enumerate(pending, 1):
            title = f"{number}/{len(pending)} {run.task} {run.unit}, seed {run.seed}"
            records.add(path, _run(run, parts, quick, title))
    finally:
        torch.set_num_threads(threads)


def _run(run: Run, parts: DigitSplit, quick: bool, title: str) -> records.RunRecord:
    sequences = QUICK_SEQUENCES if quick else SEQUENCES
    record = run_once(run, parts, _settings(run, quick), sequences, title)
    ends = SEQUENCE_TASKS[run.task].train_length, SEQUENCE_TASKS[run.task].lengths[-1]
    errors = ", ".join(f"{_short(record.mae[str(length)])} at length {length}" for length in ends)
    print(f"{title}: mean absolute error {errors}; {record.seconds:.0f} s")
    return record


def _first(digits: DigitImages, count: int) -> DigitImages:
    return DigitImages(digits.images[:count], digits.labels[:count])


def _short(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3g}"
