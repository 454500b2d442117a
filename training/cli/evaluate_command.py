"""The ``evaluate`` command."""

from argparse import Namespace

import numpy as np

from models.arrays import FloatArray, Predict
from models.manifest import Manifest
from training.cli.report import print_result
from training.cli.stored_models import find_model
from training.cli.training_rows import model_table
from training.errors import InputError
from training.export.onnx_predictor import onnx_predictor
from training.metrics import regression_errors
from training.recipes import RECIPES, TASKS
from training.recipes.base.images import AggregateRecipe, DigitRecipe
from training.vision.fit import measure


def run_evaluate(options: Namespace) -> None:
    """Measure an exported model as it is served: its ONNX file in ONNX Runtime."""
    folder, manifest = find_model(options.repository, options.name, options.version)
    if manifest.task == "tensors":
        raise InputError(
            f"'{options.name}' takes tensors of its own; evaluate measures tables and default image models."
        )
    predict = onnx_predictor(folder, manifest)
    if manifest.task != "arithmetic":
        _evaluate_images(manifest, predict, options)
        return
    parts = _parts(manifest, options)
    metrics = {
        part: regression_errors(predict(inputs) if len(inputs) else target, target)
        for part, (inputs, target) in parts.items()
    }
    print_result(f"{options.name} version {manifest.version}", manifest, metrics)


def _parts(manifest: Manifest, options: Namespace) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Rows within the model's training range, and rows beyond it."""
    if options.data is not None:
        table = model_table(manifest, options)
        for note in table.notes:
            print(note)
        low, high = np.array(manifest.training.ranges or [(-np.inf, np.inf)] * len(manifest.columns)).T
        if not manifest.training.ranges:
            print("Its training range is unknown, so all rows count as interpolation.")
        inside = ((table.inputs >= low) & (table.inputs <= high)).all(1)
        masks = {"interpolation": inside, "extrapolation": ~inside}
        return {part: (table.inputs[mask], table.target[mask]) for part, mask in masks.items()}
    if options.name not in TASKS.names():
        raise InputError(f"'{options.name}' is not a default task ({', '.join(TASKS.names())}); give rows with --data.")
    split = TASKS.load(options.name).split(options.seed)
    halves = {"interpolation": split.interpolation, "extrapolation": split.extrapolation}
    return {part: (rows.inputs, rows.target) for part, rows in halves.items()}


def _evaluate_images(manifest: Manifest, predict: Predict, options: Namespace) -> None:
    """Measure a default model for images on its held-out images."""
    recipe = RECIPES.load(options.name) if options.name in RECIPES.names() else None
    if not isinstance(recipe, DigitRecipe | AggregateRecipe):
        raise InputError(f"'{options.name}' is not a default image model; its held-out errors are in its manifest.")
    metrics = {part: measure(predict, manifest.classes, examples) for part, examples in recipe.tests().items()}
    print_result(f"{options.name} version {manifest.version}", manifest, metrics)
