"""The ``curves`` command."""

import math
from argparse import Namespace
from functools import partial
from pathlib import Path

import torch

from models.arrays import Predict
from models.curves import CURVES_FILE
from models.manifest import MANIFEST_FILE, WEIGHTS_FILE, Manifest, describe_file
from training.cli.stored_models import find_model
from training.cli.table_options import table_format
from training.data.table import read_table
from training.data.table_split import Split, split_table
from training.errors import InputError
from training.export.checkpoint import load_checkpoint
from training.export.onnx_predictor import onnx_predictor
from training.metrics import predict
from training.output.whole_file import write_whole_file
from training.recipes import TASKS
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
        raise InputError(f"'{options.name}' is a model of images, which has no columns to sample it along.")
    split = _split(manifest, options)
    mlp = None if split is None else _mlp(folder, manifest, split)
    curves = sample_curves(
        onnx_predictor(folder, manifest),
        mlp,
        manifest.columns,
        (manifest.outputs[0].columns or ["y"])[0],
        manifest.training.ranges,
        None if split is None else split.train.inputs,
    )
    write_whole_file(folder / CURVES_FILE, curves_json(curves))
    files = dict(sorted({**manifest.files, CURVES_FILE: describe_file(folder / CURVES_FILE)}.items()))
    listed = manifest.model_copy(update={"files": files})
    write_whole_file(folder / MANIFEST_FILE, (listed.model_dump_json(indent=1, exclude_unset=True) + "\n").encode())
    print(f"Wrote {folder / CURVES_FILE}.")


def _split(manifest: Manifest, options: Namespace) -> Split | None:
    """The rows that the model was trained on; None where they are not given."""
    target = (manifest.outputs[0].columns or ["y"])[0]
    if options.data is not None:
        table = read_table(
            options.data,
            options.target or target,
            manifest.columns,
            drop_incomplete=options.drop_incomplete,
            table_format=table_format(options),
        )
        return split_table(table.inputs, table.target, manifest.training.seed, str(options.data))
    if manifest.training.command == f"python -m training zoo {manifest.name}" and manifest.name in TASKS.names():
        return TASKS.load(manifest.name).split(manifest.training.seed)
    print("No rows to train the MLP on: the curves show the model alone; give its table with --data.")
    return None


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
