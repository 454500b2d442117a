"""Results that the commands print: errors, baselines, and how to serve the model."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.alternatives import FrontEntry, Rival
from models.manifest import Manifest
from training.cli.constants import constants_line
from training.report.verdicts import verdicts

ErrorsByPart = Mapping[str, Mapping[str, Any]]


def print_result(title: str, manifest: Manifest, metrics: ErrorsByPart | None = None) -> None:
    """Print errors within and beyond the training range, and those of the baseline where there is one.

    Args:
        title: printed above them.
        manifest: the model's.
        metrics: the errors; None: the manifest's.
    """
    metrics = manifest.metrics if metrics is None else metrics
    if manifest.task == "arithmetic":
        _print_arithmetic(title, manifest, metrics)
    else:
        _print_images(title, manifest.unit, metrics)


def print_no_law(reason: str) -> None:
    """Print that symbolic regression found no law, and that the model must not extrapolate."""
    print(f"No law found: {reason}. The model only fits its training range; do not trust it outside.")


def print_best(best: FrontEntry) -> None:
    """Print the formula that fits best, which is no law."""
    print(f"best     {best.formula}  (off by {best.relative_rmse:.1e})")


def print_rivals(rivals: Sequence[Rival]) -> None:
    """Print the formulas that explain the rows equally well, and where each parts from the first."""
    for rival in rivals:
        place = " and ".join(f"{name} = {value:.3g}" for name, value in rival.parts_at.items())
        error = f"off by {rival.relative_rmse:.1e}"
        print(
            f"rival    {rival.formula}  ({error}, parts at {place})"
            if place
            else f"rival    {rival.formula}  ({error})"
        )


def _print_arithmetic(name: str, manifest: Manifest, metrics: ErrorsByPart) -> None:
    unit = manifest.unit
    print(f"\n{name}: {manifest.formula or 'no formula valid for every input'}")
    if manifest.latex and manifest.latex != manifest.formula:
        print(f"LaTeX    {manifest.latex}")
    if manifest.uncertainty and (constants := constants_line(manifest.uncertainty)):
        print(f"fitted   {constants}")
    print(f"{'relative RMSE':<16}{'interpolation':>15}{'extrapolation':>15}")
    print(f"{unit:<16}" + "".join(f"{_relative(metrics[part]):>15}" for part in ("interpolation", "extrapolation")))
    if "mlp" in metrics["interpolation"]:
        cells = (_relative(metrics[part]["mlp"]) for part in ("interpolation", "extrapolation"))
        print(f"{'MLP, equal size':<16}" + "".join(f"{cell:>15}" for cell in cells))
    for sentence in verdicts(metrics["interpolation"], metrics["extrapolation"], law=unit == "Law"):
        print(sentence)


def _print_images(name: str, unit: str, metrics: ErrorsByPart) -> None:
    print(f"\n{name}: held-out images")
    for part, errors in metrics.items():
        what = {"interpolation": "as in training", "extrapolation": "beyond training"}.get(part, part)
        linear = f"   linear head: {_image_errors(errors['plain_head'])}" if "plain_head" in errors else ""
        print(f"{what:<17}{unit} head: {_image_errors(errors)}{linear}")


def print_next_steps(folder: Path, repository: Path, name: str, example: Sequence[Sequence[float]] | Path) -> None:
    """Print the model's folder, and how to serve it and request a prediction.

    Args:
        folder: of the model.
        repository: that it lies in.
        name: the model's.
        example: rows of numbers, or an image file.
    """
    print(f"written  {folder}")
    print(f"serve    python -m app --repository {_argument(repository)}")
    if isinstance(example, Path):
        print(f"predict  curl localhost:8000/predict/image -F model={name} -F {shlex.quote(_form_file(example))}")
    else:
        body = json.dumps({"model": name, "inputs": example})
        print(f"predict  curl localhost:8000/predict/arithmetic -d {shlex.quote(body)}")


def _argument(path: Path) -> str:
    """A path for a shell; one that begins with a hyphen would be an option."""
    return shlex.quote(f"./{path}" if str(path).startswith("-") else str(path))


def _form_file(file: Path) -> str:
    """A file as curl -F takes it, which reads some characters of a name as its own unless the name is quoted."""
    name = str(file)
    if not set(name) & set(',;"\\'):
        return f"files=@{name}"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'files=@"{escaped}"'


def _relative(errors: Mapping[str, Any]) -> str:
    if errors["rows"] == 0:
        return "no rows"
    absolute = " abs." if errors.get("absolute") else ""
    return f"{_number(errors['relative_rmse'], '.1e')}{absolute}"


def _image_errors(errors: Mapping[str, Any]) -> str:
    if errors["rows"] == 0:
        return "no images"
    if "accuracy" in errors:
        return f"{errors['accuracy']:.2%} right"
    rounded = f", rounded {errors['rounded_accuracy']:.2%} right" if "rounded_accuracy" in errors else ""
    return f"mean error {_number(errors['mae'], '.3g')}{rounded}"


def _number(value: float | None, form: str) -> str:
    """An error; one that overflows, or is the error of something that does, is None in a manifest."""
    return "not finite" if value is None else format(value, form)
