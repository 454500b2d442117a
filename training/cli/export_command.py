"""The ``export`` command."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from models.curves import CURVES_FILE
from models.law_spread import LawSpread
from models.manifest import INTERVAL_FILES, WEIGHTS_FILE, Manifest
from training.cli.stored_models import find_model
from training.errors import InputError
from training.export.checkpoint import ExportableNetwork, load_checkpoint
from training.export.evaluation import EVALUATION_FILE
from training.export.write import Export, package_versions, write_model
from training.output.whole_file import write_whole_file
from training.symbolic.formula import formula
from training.symbolic.source_code import WRITERS


def run_export(options: Namespace) -> None:
    """Write a new version of a model from its checkpoint, for example after an upgrade of PyTorch."""
    folder, manifest = find_model(options.repository, options.name, options.version)
    if WEIGHTS_FILE not in manifest.files:
        raise InputError(
            f"'{options.name}' has no {WEIGHTS_FILE} to export from, as it was imported; import its ONNX file again."
        )
    network = _network(folder, manifest, WEIGHTS_FILE)
    if options.code or options.output:
        _write_code(options, manifest, network)
        return
    spread = _network(folder, manifest, INTERVAL_FILES[WEIGHTS_FILE]) if manifest.uncertainty else None
    assert spread is None or isinstance(spread, LawSpread)
    fields = manifest.model_dump(exclude={"name", "version", "files"})
    fields["training"]["packages"] = package_versions()
    if manifest.task == "arithmetic":
        low, high = np.array(manifest.training.ranges).T
        inside = np.random.default_rng(0).uniform(low, high, (1000, len(low)))
        parity_inputs: dict[str, Any] = {"interpolation": inside, "extrapolation": inside * 10}
    else:
        shape = (2, manifest.inputs[0].shape[1], 37, 53)
        parity_inputs = {"unusual": np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)}
    files = {
        name: manifest.read_file(folder, name) for name in (CURVES_FILE, EVALUATION_FILE) if name in manifest.files
    }
    export = Export(network, parity_inputs, fields, spread, files)
    written = write_model(export, options.repository, options.name)
    print(f"Wrote {written}, checked against the network of {folder / WEIGHTS_FILE}.")


def _network(folder: Path, manifest: Manifest, file: str) -> ExportableNetwork:
    manifest.read_file(folder, file)
    return load_checkpoint(folder / file)


def _write_code(options: Namespace, manifest: Manifest, network: ExportableNetwork) -> None:
    """Print a model's formula as source code, or write it to a file."""
    if not options.code:
        raise InputError(f"--output is for --code; leave it out, or add --code {'|'.join(WRITERS)}|latex.")
    found = formula(network, manifest.columns) if manifest.formula else None
    if found is None or found.symbolic is None:
        raise InputError(
            f"'{options.name}' has no formula that holds for every input, so there is no code to write; serve it."
        )
    target = (manifest.outputs[0].columns or ["y"])[0]
    code = f"{found.latex}\n" if options.code == "latex" else WRITERS[options.code](found.symbolic, target)
    if options.output is None:
        print(code, end="")
    else:
        write_whole_file(options.output, code.encode())
        print(f"Wrote {options.output}.")
