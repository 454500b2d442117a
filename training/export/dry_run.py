"""Tries the export of a network before it is trained, so that what fails costs seconds and not a training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.arrays import FloatArray, Predict
from models.manifest import WEIGHTS_FILE
from models.networks import Network
from training.errors import InputError
from training.export.checkpoint import ExportableNetwork, load_checkpoint
from training.export.failure import describe
from training.export.network_files import predictors, write_files

MAX_DIFFERENCE = 1e-3
"""Largest difference from the network, in units of its outputs' RMS."""
MAX_REBUILT_DIFFERENCE = 1e-5
"""The same of the network that is built again from its checkpoint, and computes the same operators."""


def check_export(
    network: ExportableNetwork,
    inputs: Mapping[str, NDArray[Any]],
    title: str,
    shown: Mapping[str, str] | None = None,
) -> None:
    """Export an untrained network into a temporary folder, and compare the files with it.

    Args:
        network: as it will be trained, in evaluation mode.
        inputs: what it is compared on, by a name for messages; the first has two rows or more.
        title: what messages call it.
        shown: what they call its modules, see ``describe``.

    Raises:
        InputError: it cannot be exported, or the files compute something else.
    """
    example = torch.from_numpy(next(iter(inputs.values()))[:2])
    # training starts with the same random numbers as without this check
    with torch.random.fork_rng(devices=[]), TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            with torch.no_grad():
                write_files(network, example, folder)
            computed = {**predictors(folder), WEIGHTS_FILE: _rebuilt(folder)}
        except OSError:
            raise
        except Exception as error:  # PyTorch's exporters and the network itself may raise anything
            raise InputError(f"{title} cannot be exported: {describe(error, network, shown or {})}.") from error
        for part, rows in inputs.items():
            with torch.no_grad():
                expected = network(torch.from_numpy(rows)).double().numpy()
            for file, predict in computed.items():
                actual = _predicted(predict, rows)
                if actual.shape != expected.shape:
                    raise InputError(
                        f"{title} cannot be exported: its {file} takes inputs of {_size(example)} alone, not of "
                        f"{_size(rows)}; take sizes from x.shape in forward, not by len(x), NumPy or loops over x."
                    )
                _compare(expected, actual, file, f"{title} cannot be exported: on the {part} inputs {file}")


def check_unit_export(unit: str, dims: Sequence[int], inputs: FloatArray) -> None:
    """The same of an untrained network of a unit, on at least two rows ``(rows, dims[0])``."""
    with torch.random.fork_rng(devices=[]):
        untrained = Network(unit, dims).double().eval().requires_grad_(requires_grad=False)
    check_export(untrained, {"training": inputs, "single": inputs[:1]}, f"A network of {unit}")


def _predicted(predict: Predict, rows: NDArray[Any]) -> NDArray[Any]:
    """Predictions; empty where the file fails on inputs of that shape."""
    try:
        return predict(rows)
    except Exception:  # of ONNX Runtime or TorchScript
        return np.empty(0)


def _rebuilt(folder: Path) -> Predict:
    network = load_checkpoint(folder / WEIGHTS_FILE)
    return lambda rows: network(torch.from_numpy(rows)).detach().numpy()


def _size(x: NDArray[Any] | Tensor) -> str:
    return " x ".join(map(str, x.shape))


def _compare(expected: NDArray[np.float64], actual: NDArray[Any], file: str, what: str) -> None:
    finite, saved = np.isfinite(expected), file == WEIGHTS_FILE
    same = np.array_equal(finite, np.isfinite(actual))
    with np.errstate(all="ignore"):
        size = float(np.sqrt(np.square(expected[finite]).mean())) if finite.any() else 1.0
        rows = np.where(finite, np.abs(actual - expected), 0.0).max(1)
    # of the typical row: a count may change where two locations are alike
    worst = float(np.median(rows)) / max(size, 1e-30)
    if not same or worst > (MAX_REBUILT_DIFFERENCE if saved else MAX_DIFFERENCE):
        why = (
            "only parameters and buffers are saved, so use register_buffer"
            if saved
            else "a branch of forward that depends on x or its size is exported as one example takes it"
        )
        raise InputError(f"{what} differs from the network by {worst:.2g} of its output's size; {why}.")
