"""Writes a model's version folder: ONNX, TorchScript, safetensors and manifest.

All files are written to a staging folder, compared with the PyTorch network and moved into place by one rename: an
interruption or a failed comparison leaves nothing half-written.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.arrays import Predict
from models.law import Law
from models.law_spread import LawSpread
from training.errors import InputError, ParityError, output_errors
from training.export.checkpoint import ExportableNetwork
from training.export.failure import describe
from training.export.network_files import file_names, predictors, write_files
from training.export.version_folder import publish, staging
from training.metrics import NEAR_ZERO, relative_errors
from training.trainer.finite import first_not_finite

TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-4}
"""Largest relative difference between an exported file and the PyTorch network, by the type of the output."""


@dataclass(frozen=True)
class Export:
    """A trained network and the fields of its manifest.

    Args:
        network: the trained network.
        parity_inputs: inputs within and beyond the training range, by a name for messages; files are compared on each.
        manifest: the manifest's fields but ``name``, ``version`` and ``files``.
        spread: of a law, for its intervals; None where it has none.
        files: content of further files of the version folder, by name.
    """

    network: ExportableNetwork
    parity_inputs: Mapping[str, NDArray[Any]]
    manifest: Mapping[str, Any]
    spread: LawSpread | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


def write_model(export: Export, repository: Path, name: str, *, version: int | None = None) -> Path:
    """Export a network into ``repository/name/version``.

    Args:
        export: the network and its manifest.
        repository: the model repository; made if it is missing.
        name: the model's name.
        version: the version to replace; None adds the next one.

    Returns:
        The version folder.

    Raises:
        InputError: a weight is not finite; nothing is written.
        ParityError: the network cannot be exported, or a file differs from it by more than ``TOLERANCES``; nothing is
            written.
        OSError: a file cannot be written, with the path of the model; nothing is left of it.
    """
    check_finite(export.network, name)
    with output_errors(repository / name), staging(repository) as folder:
        for network in (export.network, export.spread):
            if network is not None:
                _write_network(network.eval().requires_grad_(requires_grad=False), export.parity_inputs, folder, name)
        for file, content in export.files.items():
            (folder / file).write_bytes(content)
        return publish(folder, repository, name, export.manifest, version=version)


def _write_network(
    network: ExportableNetwork, parity_inputs: Mapping[str, NDArray[Any]], folder: Path, name: str
) -> None:
    """Write the files of a network, and compare them with it."""
    _export(network, torch.from_numpy(next(iter(parity_inputs.values()))[:2]), folder, name)
    for file, predict in predictors(folder, file_names(network)).items():
        for part, inputs in parity_inputs.items():
            check_parity(network, predict, inputs, f"{file} of '{name}' on {part} inputs")


def check_finite(network: ExportableNetwork, name: str) -> None:
    """Check that a network's weights are finite; the signs of a law may be nan, for powers that have none.

    Raises:
        InputError: one is not.
    """
    problem = first_not_finite(network)
    if problem and not (isinstance(network, Law) and all(weight.isfinite().all() for weight in network.parameters())):
        raise InputError(f"'{name}' is not written, as {problem}; train it again with a lower learning rate.")


def _export(network: ExportableNetwork, example: Tensor, folder: Path, name: str) -> None:
    try:
        write_files(network, example, folder)
    except OSError:
        raise
    except Exception as error:  # PyTorch's exporters may raise anything
        raise ParityError(f"'{name}' cannot be exported: {describe(error, network, {})}.") from error


def check_parity(network: nn.Module, predict: Predict, inputs: NDArray[Any], what: str) -> None:
    """Compare predictions with the PyTorch network's, relative to their size; see ``training.metrics.relative_errors``.

    Raises:
        ParityError: they differ by more than ``TOLERANCES`` of the output's type, or where they are not finite.
    """
    with torch.no_grad():
        expected: Tensor = network(torch.from_numpy(inputs))
    tolerance = TOLERANCES[expected.dtype]
    reference, actual = expected.double().numpy(), predict(inputs).astype(np.float64)
    finite = np.isfinite(reference)
    if reference.shape != actual.shape or not np.array_equal(finite, np.isfinite(actual)):
        raise ParityError(
            f"{what} has another output shape than the PyTorch model, or other values that are not finite."
        )
    worst = float(relative_errors(actual[finite], reference[finite], NEAR_ZERO).max(initial=0))
    if worst > tolerance:
        raise ParityError(f"{what} differs from the PyTorch model by {worst:.1e}; at most {tolerance:g} is allowed.")


def package_versions() -> dict[str, str]:
    """Versions of the packages that a model is made with, as its manifest lists them."""
    names = ("nalu-serve", "numpy", "onnx", "onnxscript", "torch")
    return {"python": platform.python_version(), **{name: installed_version(name) for name in names}}


def tensor_spec(name: str, datatype: str, shape: Sequence[int], columns: Sequence[str] | None = None) -> dict[str, Any]:
    """A manifest's entry for an input or output."""
    return {"name": name, "datatype": datatype, "shape": list(shape), "columns": list(columns) if columns else None}
