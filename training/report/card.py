"""The report of a model, an HTML file that needs nothing but a browser.

Its headings are those of model cards: Mitchell et al. 2019, https://doi.org/10.1145/3287560.3287596, as far as a
manifest and measurements can fill them.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from models.curves import CURVES_FILE, Curves
from models.manifest import Manifest
from training.export.evaluation import EVALUATION_FILE, Evaluation
from training.report.mathematics import formula_mathml
from training.report.measured import COLUMNS, measured_rows
from training.report.plots import plot_confusion, plot_curves, plot_front, plot_predictions
from training.report.verdicts import verdicts

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Stated:
    """What no file of a model says about it."""

    licence: str = NOT_STATED
    contact: str = NOT_STATED


def render_report(
    folder: Path, manifest: Manifest, evaluation: Evaluation | None = None, stated: Stated | None = None
) -> bytes:
    """Render the report of a version folder.

    Args:
        folder: the version folder.
        manifest: its manifest.
        evaluation: of held-out rows; None: that of the folder, if it has one.
        stated: licence and contact.

    Raises:
        ManifestError: a file is not that of the manifest.
    """
    evaluation = evaluation or stored_evaluation(folder, manifest)
    curves = _stored(folder, manifest, CURVES_FILE)
    rows = measured_rows(manifest, evaluation)
    environment = Environment(
        loader=PackageLoader("training.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("card.html.jinja").render(
        style=files("training.report").joinpath("card.css").read_text(encoding="utf-8"),
        manifest=manifest,
        mathematics=formula_mathml(folder, manifest),
        stated=stated or Stated(),
        conclusions=_conclusions(manifest),
        rows=rows,
        columns={name: label for name, label in COLUMNS.items() if any(name in row.cells for row in rows)},
        plots=_plots(manifest, evaluation, curves),
        worst=evaluation.worst if evaluation else [],
        inputs=_inputs(manifest),
        images=_images(manifest),
        targets=", ".join(manifest.outputs[0].columns or ["y"]),
        examples="rows" if manifest.image is None else "images",
    )
    return page.encode()


def stored_evaluation(folder: Path, manifest: Manifest) -> Evaluation | None:
    """The evaluation that a version folder holds; None: it holds none."""
    content = _stored(folder, manifest, EVALUATION_FILE)
    return None if content is None else Evaluation.model_validate_json(content)


def _stored(folder: Path, manifest: Manifest, name: str) -> bytes | None:
    return manifest.read_file(folder, name) if name in manifest.files else None


def _conclusions(manifest: Manifest) -> list[str]:
    parts = manifest.metrics
    if manifest.task != "arithmetic" or not {"interpolation", "extrapolation"} <= parts.keys():
        return []
    return verdicts(parts["interpolation"], parts["extrapolation"], law=manifest.unit == "Law")


def _plots(manifest: Manifest, evaluation: Evaluation | None, curves: bytes | None) -> list[tuple[str, str]]:
    plots = []
    if curves is not None:
        caption = "The model far beyond its training range, which is shaded, all other columns in the middle of theirs."
        plots.append((caption, plot_curves(Curves.model_validate_json(curves))))
    if evaluation is not None and any(part.actual for part in evaluation.parts.values()):
        caption = "Predictions for held-out rows against what was measured, a sample of at most 300 of each part."
        plots.append((caption, plot_predictions(evaluation)))
    if evaluation is not None and evaluation.confusion is not None and manifest.classes is not None:
        caption = "Held-out images by true and predicted class; the area is the share of the true class."
        plots.append((caption, plot_confusion(evaluation.confusion, manifest.classes)))
    if manifest.front is not None and len(manifest.front) > 1:
        plots.append(("The best formula of each complexity that the search tried.", plot_front(manifest.front)))
    return plots


def _inputs(manifest: Manifest) -> list[dict[str, Any]]:
    """Every input column with its training range."""
    ranges = manifest.training.ranges
    return [
        {"name": name, "low": f"{low:.6g}", "high": f"{high:.6g}"}
        for name, (low, high) in zip(manifest.columns, ranges, strict=False)
    ]


def _images(manifest: Manifest) -> str:
    """The images that a model takes, in words; empty for numbers."""
    image = manifest.image
    if image is None:
        return ""
    mode = {"L": "grey", "RGB": "colour"}[image.mode]
    size = f"{image.width} x {image.height} pixels"
    how = f"resized to {size}" if image.resize else f"in their own size, of at least {size}"
    return f"{mode} images, {how}" if image.resize or manifest.any_size else f"{mode} images of {size}"
