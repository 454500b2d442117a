"""``python -m training benchmark``."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from tqdm import tqdm

from training.errors import InputError
from training.metrics import wilson_interval
from training.research.benchmark import records
from training.research.benchmark.plan import LAW, Group, canonical, groups, unit_spec
from training.research.benchmark.records import SuccessRecord
from training.research.benchmark.render import write_report
from training.research.benchmark.run import Scale, run
from training.research.benchmark.symbolic_regression import run_symbolic_regression
from training.research.benchmark.task import DIGIT_RANGES, OPERATIONS, RANGES, TWO_LAYERS
from training.trainer.executors.local import LocalExecutor
from training.trainer.executors.open import open_executor
from training.trainer.executors.tasks import completed, one_thread

QUICK = (Group("NMU", "multiply"), Group("NAU", "add"))
SEEDS = 25
SMALL_TASK_SEEDS = 100
FILE = "arithmetic.json"


def run_benchmark(options: Namespace) -> None:
    """Measure how often units learn operations, and save every group as it finishes."""
    scales = _chosen(options)
    folder: Path = options.out or Path("reports" if options.quick else "docs/results")
    path = folder / FILE
    recorded = records.read(path)
    folder.mkdir(parents=True, exist_ok=True)
    pending = [group for group, scale in scales.items() if options.again or not _is_done(recorded, group, scale)]
    if len(pending) < len(scales):
        print(f"{len(scales) - len(pending)} of {len(scales)} groups are in {path} already; --again repeats them.")
    try:
        with open_executor(options.on, options.jobs) as executor:
            _run_all(executor, [(group, scales[group]) for group in pending], path)
    finally:
        found = records.read(path)
        if found:
            write_report(found, folder)
    print(f"results  {path}\ntable    {path.with_suffix('.md')}\nheat map {path.with_suffix('.png')}")


def _run_all(executor: Executor, tasks: Sequence[tuple[Group, Scale]], path: Path) -> None:
    """Save each group as it completes; its steps are reported as they are taken only where it runs in this process."""
    local = isinstance(executor, LocalExecutor)
    with tqdm(total=sum(_steps(*task) for task in tasks), unit="step", smoothing=0.02, disable=None) as bar:

        def measure_here(group: Group, scale: Scale) -> tuple[list[SuccessRecord], float]:
            bar.set_description(_name(group))
            return measure(group, scale, bar.update)

        for index, (new, seconds) in completed(executor, measure_here if local else measure, tasks):
            records.merge(path, new)
            bar.write(_line(tasks[index][0], new, seconds))
            if not local:
                bar.update(_steps(*tasks[index]))


def measure(
    group: Group, scale: Scale, progress: Callable[[int], Any] = lambda _: None
) -> tuple[list[SuccessRecord], float]:
    """The records of one group, and the seconds it took."""
    begun = perf_counter()
    with one_thread():
        new = (run_symbolic_regression if group.unit == LAW else run)(group, scale, progress)
    return new, perf_counter() - begun


def _line(group: Group, new: Sequence[SuccessRecord], seconds: float) -> str:
    solved, runs = sum(record.successes for record in new), sum(record.seeds for record in new)
    low, high = wilson_interval(solved, runs)
    ranges = " ".join(f"{record.successes}/{record.seeds}" for record in new)
    return f"{_name(group):40} {solved / runs:.3f} [{low:.3f}, {high:.3f}]  {ranges}  {seconds:.0f} s"


def _name(group: Group) -> str:
    return f"{group.unit} {group.operation}, {group.inputs} inputs"


def _chosen(options: Namespace) -> dict[Group, Scale]:
    """The chosen groups, each with the scale of its run."""
    operations = [name.lower() for name in options.operations or []]
    _check("operation", operations, list(OPERATIONS))
    _check("range", options.ranges or [], [r.name for r in (*RANGES, *DIGIT_RANGES)])
    units = [canonical(name) for name in options.units or []]
    all_groups = QUICK if options.quick and not units else groups(units)
    scales = {
        group: _within(_scale(group, options), options.ranges)
        for group in all_groups
        if (not operations or group.operation in operations) and (not options.inputs or group.inputs in options.inputs)
    }
    chosen = {group: scale for group, scale in scales.items() if scale.ranges}
    if not chosen:
        raise InputError(
            "No group of the benchmark has that unit, operation, number of inputs and range; leave one of them open."
        )
    return chosen


def _check(kind: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise InputError(f"--{kind}s {name} is no {kind} of the benchmark; give {', '.join(known)}.")


def _within(scale: Scale, names: Sequence[str] | None) -> Scale:
    return replace(scale, ranges=[r for r in scale.ranges if r.name in names]) if names else scale


def _scale(group: Group, options: Namespace) -> Scale:
    """The scale of a group's run: as published, or small with ``--quick``."""
    first = options.seeds_from
    ranges = RANGES if OPERATIONS[group.operation].equal_share is None else DIGIT_RANGES
    if options.quick:
        easy = [r for r in ranges if r.name in ("[-2, 2]", "[1, 2]", "[10, 20]", DIGIT_RANGES[0].name)]
        return Scale(range(first, first + 5), easy, steps=8_000, compiled=False)
    scale = Scale(range(first, first + SEEDS), ranges)
    if group.operation in TWO_LAYERS:
        seeds = range(first, first + (SMALL_TASK_SEEDS if group.inputs == 4 else SEEDS))
        return replace(scale, seeds=seeds, ranges=[r for r in RANGES if r.name == "[1, 2]"])
    return scale


def _steps(group: Group, scale: Scale) -> int:
    if group.unit == LAW:
        return len(scale.ranges) * len(scale.seeds)
    return scale.steps or unit_spec(group.unit).hyperparameters(group.operation, group.inputs).steps


def _is_done(recorded: Sequence[SuccessRecord], group: Group, scale: Scale) -> bool:
    found = records.done(recorded, group.unit, group.operation, group.inputs, scale.seeds)
    return found.issuperset(r.name for r in scale.ranges)
