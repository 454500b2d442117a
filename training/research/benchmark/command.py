"""``python -m training benchmark``."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

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
        _run_all(pending, scales, path)
    finally:
        found = records.read(path)
        if found:
            write_report(found, folder)
    print(f"results  {path}\ntable    {path.with_suffix('.md')}\nheat map {path.with_suffix('.png')}")


def _run_all(pending: Sequence[Group], scales: dict[Group, Scale], path: Path) -> None:
    steps = sum(_steps(group, scales[group]) for group in pending)
    with tqdm(total=steps, unit="step", smoothing=0.02, disable=None) as bar:
        for group in pending:
            bar.set_description(f"{group.unit} {group.operation}, {group.inputs} inputs")
            begun = perf_counter()
            new = (run_symbolic_regression if group.unit == LAW else run)(group, scales[group], bar.update)
            records.merge(path, new)
            bar.write(_line(group, new, perf_counter() - begun))


def _line(group: Group, new: Sequence[SuccessRecord], seconds: float) -> str:
    solved, runs = sum(record.successes for record in new), sum(record.seeds for record in new)
    low, high = wilson_interval(solved, runs)
    ranges = " ".join(f"{record.successes}/{record.seeds}" for record in new)
    name = f"{group.unit} {group.operation}, {group.inputs} inputs"
    return f"{name:40} {solved / runs:.3f} [{low:.3f}, {high:.3f}]  {ranges}  {seconds:.0f} s"


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
