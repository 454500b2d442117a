"""The ``curves`` command."""

import math
from argparse import Namespace
from functools import partial
from pathlib import Path

import torch

from models.arrays import Predict
from models.curves import CURVES_FILE
from models.manifest import WEIGHTS_FILE, Manifest
from training.cli.stored_models import find_model
from training.cli.training_rows import training_rows
from training.data.table_split import Split
from training.errors import InputError
from training.export.add_file import add_file
from training.export.checkpoint import load_checkpoint
from training.export.onnx_predictor import onnx_predictor
from training.metrics import predict
from training.symbolic.deadline import NO_DEADLINE
from training.tabular.curves import curves_json, sample_curves
from training.tabular.mlp import count_parameters
from training.tabular.restarts import best_mlp, error_on

EQUAL_ERRORS = 2.0
"""How many times the manifest's error of its MLP that of one trained again may be."""
RESTARTS = 8


def run_curves(options: Namespace) -> None:
    """Add samples along each column to a model that has none, as one of an earlier version."""
    folder, manifest = find_model(options.repository, options.name, options.version)
    if manifest.task != "arithmetic":
        raise InputError(
            f"'{options.name}' is of task '{manifest.task}'; only models of task 'arithmetic' have curves."
        )
    if not manifest.training.ranges:
        raise InputError(
            f"The training range of '{options.name}' is not known; import it again with --data and its table."
        )
    split = training_rows(manifest, options)
    if split is None:
        print("No rows to train the MLP on: the curves show the model alone; give its table with --data.")
    mlp = None if split is None else _mlp(folder, manifest, split)
    curves = sample_curves(
        onnx_predictor(folder, manifest),
        mlp,
        manifest.columns,
        (manifest.outputs[0].columns or ["y"])[0],
        manifest.training.ranges,
        None if split is None else split.train.inputs,
    )
    print(f"Wrote {add_file(folder, manifest, CURVES_FILE, curves_json(curves))}.")


def _mlp(folder: Path, manifest: Manifest, split: Split) -> Predict | None:
    """The MLP of the manifest's errors, trained again; None where the one trained now is another."""
    known = manifest.metrics.get("interpolation", {}).get("mlp", {}).get("relative_rmse")
    if known is None:
        print("The curves show the model alone, as its manifest has no errors of an MLP.")
        return None
    manifest.read_file(folder, WEIGHTS_FILE)
    torch.manual_seed(manifest.training.seed)
    size = count_parameters(load_checkpoint(folder / WEIGHTS_FILE))
    mlp = best_mlp(split.train, size, split.interpolation, RESTARTS, NO_DEADLINE)
    error = math.inf if mlp is None else error_on(mlp, split.interpolation)
    if mlp is not None and known / EQUAL_ERRORS <= error <= known * EQUAL_ERRORS:
        return partial(predict, mlp)
    print(
        f"The curves show the model alone: an MLP trained on these rows has a relative RMSE of {error:.1e}, and that "
        f"of the manifest {known:.1e}, so it is another."
    )
    return None
