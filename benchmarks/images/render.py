"""The report of ``python -m benchmarks.images``: results as JSON, as a page, and as plots."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.images.aggregates import CNN_BASELINES, MANY
from benchmarks.images.file_kinds import FILE_KINDS
from benchmarks.images.plot import plot_aggregates
from training.counting.aggregate_target import TARGETS, AggregateTarget
from training.vision.config import BASELINE_HEAD

Runs = Sequence[Mapping[str, Any]]

HEAD = """# Images: what the models read, and how far their sums extrapolate

`python -m benchmarks.images --write` makes this page again; it trains every model from the seeds named here, on
two cores of an AMD EPYC, and keeps each run, so that it can be interrupted. Digits are MNIST's: training draws on its
60,000 training images alone, everything below is measured on its 10,000 test images.
"""

SINGLE = """## One digit: `{name}`

{head_type} head, {bytes:,} bytes (`model.onnx`), {seeds}.

| | {head_type} head: mean | of each seed | the same CNN, linear head |
| --- | --- | --- | --- |
| MNIST's test set | {test} | {each} | {plain} |

Training took, both heads together, {seconds}.

The same images as other files show them ({images:,} of them a line), {head_type} head:

| Size | PNG | PNG, dark on light | JPEG | JPEG, dark on light |
| --- | --- | --- | --- | --- |
{variants}
"""

TOTAL = """## {title}: `{name}`

{head_type} head on per-location classes, trained on images of 0 to {trained} digits with the total
as the only label; {seeds}. Training took, all heads together, {seconds}.
Training scenes are small grids of cells and training digits are varied a little
(`training/data/handwriting_augment.py`);
here digits lie anywhere in the image, 15 to 20 pixels tall, as close as frames of 18 to 24 pixels around them allow.
{measure}

| Digits in the image | {heads} |
| --- | {rule} |
{rows}

![{error} against the number of digits](images-{name}.png)

{count} digits and the {head_type} head, by layout and file format ({images} images a seed):

| | PNG | PNG, dark on light | JPEG | JPEG, dark on light |
| --- | --- | --- | --- | --- |
{layouts}
"""

HEADS = '"linear", "MLP", "NAC" and "NALU" have the same input from the same CNN as the {head_type} head.\n'
CNN_BASELINES_NOTE = """
Those that begin with "CNN" are ordinary: the same CNN and scenes, features pooled over the locations, an MLP
and the squared error of the total, trained for as long. Their highest learning rate is 0.003 where features are summed,
as the 0.01 of all others kills them in some runs. "frozen batch norm" helps such a network: batch
normalisation is frozen for the second half of the training (`training.vision.train.FREEZE_BATCH_NORM_FROM`), as its
estimates jump between scenes of different shapes and a sum over locations multiplies what that costs.
"""


LAYOUTS = {
    "close": "anywhere, as close as above",
    "apart": "anywhere, as far apart as MNIST's frames of 28 pixels keep them",
    "in a row": "MNIST's images as they are, in a row",
}
SUMMARY_DIGITS = ("1", "2", "3", "5", "10", "20", "100")
SUMMARY_LINES = (
    ("digit-sum", "NAU", "`digit-sum`: mean absolute error (exact sums)"),
    ("digit-sum", "CNN, sum, MLP", "the same CNN with an MLP on summed features"),
    ("digit-sum", "CNN, sum, MLP, frozen batch norm", "the same, batch normalisation frozen for half of the training"),
    ("digit-sum", "CNN, average, MLP, frozen batch norm", "the same with averaged features"),
    ("digit-count", "NAU", "`digit-count`: exact counts"),
    ("digit-product", "NMU", "`digit-product`: products within 1 %"),
)


def write_report(folder: Path, results: Path) -> None:
    """Read every run of a folder and write ``images.json``, ``images.md`` and the plots."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*-[0-9].json"))]
    for run in runs:
        run.setdefault("measured", date.today().isoformat())
    (results / "images.json").write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    (results / "images.md").write_text(page(runs), encoding="utf-8")
    for name, target in TARGETS.items():
        if chosen := [run for run in runs if run["model"] == name]:
            plot_aggregates(results / f"images-{name}.png", target, averaged(chosen))


def page(runs: Runs) -> str:
    """The page."""
    parts = [HEAD]
    for name in dict.fromkeys(run["model"] for run in runs):
        chosen = [run for run in runs if run["model"] == name]
        parts.append(aggregate_section(TARGETS[name], chosen) if name in TARGETS else single_section(name, chosen))
    return "\n".join(parts)


def single_section(name: str, runs: Runs) -> str:
    """A model of single digits."""
    tests = [run["test"] for run in runs]
    variants = {variant: [run["variants"][variant] for run in runs] for variant in runs[0]["variants"]}
    sizes = list(dict.fromkeys(variant.split(",")[0] for variant in variants))
    rows = [f"| {size} | {' | '.join(_figure(variants[f'{size}, {kind}']) for kind in FILE_KINDS)} |" for size in sizes]
    return SINGLE.format(
        name=name,
        head_type="NALU" if "accuracy" in tests[0] else "NAC",
        bytes=max(run["bytes"] for run in runs),
        seeds=_seeds(runs),
        test=_figure(tests),
        each=", ".join(_figure([test]) for test in tests),
        plain=_figure([test[BASELINE_HEAD] for test in tests]),
        seconds=_seconds(runs),
        images=next(iter(variants.values()))[0]["rows"],
        variants="\n".join(rows),
    )


def aggregate_section(target: AggregateTarget, runs: Runs) -> str:
    """A model of totals."""
    found = averaged(runs)
    relative = target.name == "digit-product"
    rows = []
    for count in map(str, target.test_counts):
        cells = [_cell(found[head][count], relative) for head in found]
        rows.append(f"| {count} | {' | '.join(cells)} |")
    error = "Median relative error" if relative else "Mean absolute error"
    counted = "within 1 % of the truth" if relative else "that are exact when rounded"
    return (
        TOTAL.format(
            title={"digit-sum": "Sums", "digit-count": "How many", "digit-product": "Products"}[target.name],
            name=target.name,
            head_type=target.head_type,
            trained=target.max_train_count,
            seeds=_seeds(runs),
            seconds=_seconds(runs),
            measure=f"{error}, and share of the answers {counted}; means over the seeds.",
            heads=" | ".join(found),
            rule=" | ".join("---" for _ in found),
            rows="\n".join(rows),
            error=error,
            count=MANY,
            images=next(iter(runs[0]["layouts"].values()))["images"],
            layouts="\n".join(_layouts(runs, relative)),
        )
        + "\n"
        + HEADS.format(head_type=target.head_type)
        + (CNN_BASELINES_NOTE if set(CNN_BASELINES) & set(found) else "")
    )


def _layouts(runs: Runs, relative: bool) -> list[str]:
    """A line for each layout, means over the runs."""
    rows = []
    for layout in LAYOUTS:
        found = [[run["layouts"][f"{layout}, {kind}"] for run in runs] for kind in FILE_KINDS]
        cells = [_cell({kind: mean(run[kind] for run in each) for kind in each[0]}, relative) for each in found]
        rows.append(f"| {LAYOUTS[layout]} | {' | '.join(cells)} |")
    return rows


def summary_rows(runs: Runs) -> list[str]:
    """The lines of the table in docs/models.md: accuracy by the number of digits in the image."""
    rows = []
    for name, head, title in SUMMARY_LINES:
        found = averaged([run for run in runs if run["model"] == name])[head]
        cells = [_short(found.get(count), name) for count in SUMMARY_DIGITS]
        rows.append(f"| {title} | {' | '.join(cells)} |")
    return rows


def _short(errors: Mapping[str, float] | None, name: str) -> str:
    if errors is None:
        return ""
    exact = f"{errors['exact']:.1%}"
    return f"{errors['mae']:.2f} ({exact})" if name == "digit-sum" else exact


def averaged(runs: Runs) -> dict[str, dict[str, dict[str, float]]]:
    """Means over the runs: by head, number of digits and kind of error."""
    return {
        head: {
            count: {kind: mean(run["digits"][head][count][kind] for run in runs) for kind in errors}
            for count, errors in counts.items()
        }
        for head, counts in runs[0]["digits"].items()
    }


def _cell(errors: Mapping[str, float], relative: bool) -> str:
    size = errors["median_relative_error" if relative else "mae"]
    return f"{size:.2g}, {errors['exact']:.1%}" if relative else f"{size:.3f}, {errors['exact']:.1%}"


def _figure(errors: Sequence[Mapping[str, float]]) -> str:
    if "accuracy" in errors[0]:
        return f"{mean(error['accuracy'] for error in errors):.2%}"
    return f"error {mean(error['mae'] for error in errors):.3f}"


def _seconds(runs: Runs) -> str:
    return ", ".join(f"{run['seconds']:.0f} s on {_cores(run['threads'])}" for run in runs)


def _cores(threads: int) -> str:
    return "one core" if threads == 1 else f"{threads} cores"


def _seeds(runs: Runs) -> str:
    seeds = [str(run["seed"]) for run in runs]
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(seeds[:-1])} and {seeds[-1]}"
