"""What ``python -m training sequences`` does."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from training.data.mnist import load_mnist
from training.research.sequences import records
from training.research.sequences.digits import DigitImages, Parts, split
from training.research.sequences.evaluate import SEQUENCES
from training.research.sequences.plan import Run, runs
from training.research.sequences.render import write_report
from training.research.sequences.run import run_once
from training.research.sequences.task import SEQUENCE_TASKS
from training.research.sequences.train import RunSettings, settings_for

FILE = "sequences.json"
QUICK = (("sum", "NAU", 0), ("product", "NMU", 0), ("sum", "given", 0), ("product", "given", 0))
QUICK_IMAGES = 2_600
QUICK_SEQUENCES = 500


def run_sequences(options: Namespace) -> None:
    """Train and test what is not in the results yet; keep every finished run, whatever stops the rest."""
    wanted = _chosen(options)
    parts = split(load_mnist())
    if options.quick:
        print("--quick shows that everything runs; what it measures says nothing of the units.")
        parts = Parts(*(_first(part, QUICK_IMAGES) for part in (parts.train, parts.validation, parts.test)))
    folder: Path = options.out or Path("reports" if options.quick else "docs/results")
    path = folder / FILE
    steps = {record.key: record.steps for record in records.read(path)}
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [run for run in wanted if steps.get(run.key) != _steps(run, parts, options.quick)]
    if len(waiting) < len(wanted):
        print(f"{len(wanted) - len(waiting)} of {len(wanted)} runs are in {path} already.")
    try:
        _run_all(waiting, parts, path, options.quick)
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


def _steps(run: Run, parts: Parts, quick: bool) -> int:
    """Of a run; one that took another number of them is made again."""
    return _settings(run, quick).steps(len(parts.train.of(SEQUENCE_TASKS[run.task])))


def _run_all(waiting: Sequence[Run], parts: Parts, path: Path, quick: bool) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a batch is too small to share out
    try:
        for number, run in enumerate(waiting, 1):
            title = f"{number}/{len(waiting)} {run.task} {run.unit}, seed {run.seed}"
            records.add(path, _run(run, parts, quick, title))
    finally:
        torch.set_num_threads(threads)


def _run(run: Run, parts: Parts, quick: bool, title: str) -> records.RunRecord:
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
