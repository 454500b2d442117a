"""The ``export`` command."""

from argparse import Namespace
from typing import Any

import numpy as np

from models.manifest import WEIGHTS_FILE
from training.cli.stored_models import find_model
from training.export.checkpoint import load_checkpoint
from training.export.write import Export, package_versions, write_model


def run_export(options: Namespace) -> None:
    """Write a new version of a model from its checkpoint, for example after an upgrade of PyTorch."""
    folder, manifest = find_model(options.repository, options.name, options.version)
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
