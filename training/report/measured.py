"""Measured errors with 95 % intervals, as a report's table shows them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from models.manifest import Manifest
from training.export.evaluation import Z95, Evaluation, Interval
from training.metrics import wilson_interval
from training.report.plots import NAMES

SHARES = {"accuracy": "right", "rounded_accuracy": "right when rounded"}
COLUMNS = {
    "mae": "mean absolute error",
    "rmse": "root mean square error",
    "relative_rmse": "relative RMSE",
    "max_relative_error": "largest relative error",
    **SHARES,
}
PARTS = {
    "interpolation": ("within the training range", "as in training"),
    "extrapolation": ("beyond the training range", "beyond training"),
    "validation": ("that chose the epoch",) * 2,
}
"""What a part is called, of rows and of images."""
BASELINES = ("mlp", "plain_head")  # alias: the second key is of version 0.1


@dataclass(frozen=True)
class Row:
    """A line of the table: errors of one network on one part, as text by column."""

    part: str
    network: str
    rows: int
    cells: Mapping[str, str]


def measured_rows(manifest: Manifest, evaluation: Evaluation | None) -> list[Row]:
    """The lines of a model's table: every part, the model first and the baseline beside it."""
    rows = []
    names = {part: of_images if manifest.image else of_rows for part, (of_rows, of_images) in PARTS.items()}
    for part, errors in manifest.metrics.items():
        for network, found in _networks(errors):
            evaluated = evaluation.parts.get(part) if evaluation else None
            same = evaluated is not None and evaluated.rows == errors.get("rows")
            intervals = evaluated.intervals.get(network, {}) if evaluated and same else {}
            cells = {name: _cell(name, found, intervals) for name in COLUMNS if name in found}
            label = "model" if network == "model" else NAMES.get(network, network)
            rows.append(Row(names.get(part, f"of the range '{part}'"), label, int(found.get("rows", 0)), cells))
    return rows


def _networks(errors: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "model", errors
    yield from ((name, errors[name]) for name in BASELINES if name in errors)


def _cell(name: str, errors: Mapping[str, Any], intervals: Mapping[str, Interval]) -> str:
    value = errors[name]
    if value is None:
        return "not finite"
    if name in SHARES:
        low, high = wilson_interval(round(value * errors["rows"]), errors["rows"])
        return f"{value:.2%} ({low:.2%} to {high:.2%})"
    interval = intervals.get(name) or (mae_interval(errors) if name == "mae" else None)
    return f"{value:.3g}" + (f" ({interval[0]:.3g} to {interval[1]:.3g})" if interval and value else "")


def mae_interval(errors: Mapping[str, Any]) -> Interval | None:
    """The 95 % interval of a mean absolute error, from its standard error: the variance of ``|e|`` is rmse² - mae²."""
    rows, mae, rmse = (errors.get(name) for name in ("rows", "mae", "rmse"))
    if rows is None or rows < 2 or mae is None or rmse is None:
        return None
    share = mae / rmse if rmse else 1.0
    half = Z95 * rmse * math.sqrt(max(0.0, 1 - share**2) / (rows - 1))
    return max(0.0, mae - half), mae + half
