"""Fits arithmetic networks to columns of numbers, measures them beside an MLP, and exports the best."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from models.networks import Network
from training.baseline import MLP, count_parameters
from training.errors import InputError
from training.evaluate import predict, regression_errors
from training.export import INPUT, OUTPUT, Export, packages, tensor, write_model
from training.formula import formula
from training.loop import train_arithmetic
from training.plots import plot_extrapolation
from training.split import Part, Split

Numbers = NDArray[np.float64]
AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)

AUTO = ("NAC", "NALU")
"""What ``--unit auto`` tries, the simplest first."""
MAX_TRAINING_ROWS = 8192
GOOD_ENOUGH = 1e-10
"""Interpolation error (relative RMSE) at which no further restart is tried."""
NO_BETTER = 1e-6
"""Networks whose interpolation errors are below this count as equally good."""
WORTH_IT = 0.9
"""A less simple unit must have at most this share of the simpler one's interpolation error."""


@dataclass(frozen=True)
class Plan:
    """What to fit and how the result is described.

    Args:
        name: the model's name.
        columns: names of the input columns.
        target: name of the target.
        units: the units to try, the simplest first.
        hidden: widths of hidden layers.
        seed: start of all random numbers.
        restarts: how often each unit is trained from new start values, at most.
        summary: one line for people.
        command: what makes the model again.
        data: where the rows come from.
    """

    name: str
    columns: Sequence[str]
    target: str
    units: Sequence[str]
    seed: int
    command: str
    data: str
    summary: str = ""
    hidden: Sequence[int] = ()
    restarts: int = 8


@dataclass(frozen=True)
class Fitted:
    """A fitted network and the MLP of equal size beside it."""

    unit: str
    network: Network
    mlp: nn.Module
    formula: str | None
    metrics: dict[str, dict[str, Any]]


def fit(plan: Plan, split: Split) -> Fitted:
    """Train every unit of the plan from several starts and keep the network with the least interpolation error.

    A less simple unit is kept only if it is clearly better. The extrapolation part decides nothing: it only measures.

    Raises:
        ValueError: an unknown unit.
        InputError: no network gives finite numbers.
    """
    torch.manual_seed(plan.seed)
    train = _tensors(_at_most(split.train, MAX_TRAINING_ROWS, plan.seed))
    dims = [len(plan.columns), *plan.hidden, 1]
    best: tuple[float, str, Network] | None = None
    for unit in plan.units:
        network, error = _best_restart(unit, dims, train, split.interpolation, plan.restarts)
        if best is None or max(error, NO_BETTER) < WORTH_IT * best[0]:
            best = (max(error, NO_BETTER), unit, network)
    assert best is not None
    if best[0] == np.inf:
        raise InputError(
            f"No {' or '.join(plan.units)} network fits '{plan.target}' with finite numbers; the values may be too "
            f"large, so scale the columns nearer to 1."
        )
    _, unit, network = best
    mlp = _best_mlp(train, count_parameters(network), split.interpolation, plan.restarts)
    parts = {"interpolation": split.interpolation, "extrapolation": split.extrapolation}
    return Fitted(unit, network, mlp, formula(network, plan.columns), measure(network, mlp, parts))


def export(fitted: Fitted, plan: Plan, split: Split, repository: Path, *, version: int | None = None) -> Path:
    """Write the fitted network to the repository; see ``training.export.write_model``."""
    dims = fitted.network.config["dims"]
    inside = split.interpolation.inputs
    checks = {"interpolation": inside, "extrapolation": np.concatenate([split.extrapolation.inputs, 10 * inside])}
    manifest = {
        "task": "arithmetic",
        "summary": plan.summary or f"{plan.target} from {', '.join(plan.columns)}, learned by {fitted.unit}",
        "inputs": [tensor(INPUT, "FP64", [-1, dims[0]], plan.columns)],
        "outputs": [tensor(OUTPUT, "FP64", [-1, 1], [plan.target])],
        "classes": None,
        "image": None,
        "unit": fitted.unit,
        "dims": dims,
        "formula": fitted.formula,
        "training": {
            "ranges": split.ranges,
            "rows": min(len(split.train), MAX_TRAINING_ROWS),
            "seed": plan.seed,
            "command": plan.command,
            "packages": packages(),
            "data": plan.data,
        },
        "metrics": fitted.metrics,
    }
    checks = {part: _pair(inputs) for part, inputs in checks.items()}
    return write_model(Export(fitted.network, checks, manifest), repository, plan.name, version=version)


def plot(fitted: Fitted, split: Split, path: Path, title: str) -> None:
    """Draw the errors of the network and its MLP on the rows that were not trained on."""
    inputs = np.concatenate([split.interpolation.inputs, split.extrapolation.inputs])
    target = np.concatenate([split.interpolation.target, split.extrapolation.target])
    size = np.maximum(np.abs(target), 1e-3 * np.sqrt(np.mean(target**2)))
    networks = {fitted.unit: fitted.network, "MLP": fitted.mlp}
    errors = {name: (np.abs(predict(network, inputs) - target) / size)[:, 0] for name, network in networks.items()}
    plot_extrapolation(path, title, split.distance(inputs), errors)


def measure(network: nn.Module, mlp: nn.Module, parts: Mapping[str, Part]) -> dict[str, dict[str, Any]]:
    """Errors of a network on some rows, and beside them the MLP's, as manifests hold them."""
    return {
        name: {
            **regression_errors(predict(network, part.inputs), part.target),
            "mlp": regression_errors(predict(mlp, part.inputs), part.target),
        }
        for name, part in parts.items()
    }


def _best_restart(
    unit: str, dims: Sequence[int], train: tuple[Tensor, Tensor], held_out: Part, restarts: int
) -> tuple[Network, float]:
    def start() -> Network:
        network = Network(unit, dims).double()
        train_arithmetic(network, *train)
        exact = network.exact()
        as_good = _error(exact, held_out) <= max(NO_BETTER, 2 * _error(network, held_out))
        return exact if as_good else network.eval()

    return _best_of(restarts, start, held_out, f"{unit} {list(dims)}")


def _best_mlp(train: tuple[Tensor, Tensor], parameters: int, held_out: Part, restarts: int) -> MLP:
    def start() -> MLP:
        mlp = MLP(*train, parameters=parameters)
        train_arithmetic(mlp, *train)
        return mlp

    return _best_of(restarts, start, held_out, "MLP")[0]


def _best_of(restarts: int, start: Callable[[], AnyNetwork], held_out: Part, title: str) -> tuple[AnyNetwork, float]:
    """The network with the least error on held-out rows, and that error; infinity if none is finite."""
    best, least = None, np.inf
    for _ in tqdm(range(restarts), desc=title, unit="start", disable=None):
        network = start()
        error = _error(network, held_out)
        if best is None or error < least:
            best, least = network, error
        if least <= GOOD_ENOUGH:
            break
    assert best is not None
    return best, least


def _error(network: nn.Module, part: Part) -> float:
    """Relative RMSE; infinity where it is not finite."""
    error = regression_errors(predict(network, part.inputs), part.target)["relative_rmse"]
    return np.inf if error is None else error


def _at_most(part: Part, rows: int, seed: int) -> Part:
    if len(part) <= rows:
        return part
    index = np.random.default_rng(seed).choice(len(part), rows, replace=False)
    return Part(part.inputs[index], part.target[index])


def _tensors(part: Part) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(part.inputs), torch.from_numpy(part.target)


def _pair(inputs: Numbers) -> Numbers:
    """At least two rows: the exporter takes a batch of one for a batch that is always one."""
    return inputs if len(inputs) > 1 else np.repeat(inputs, 2, axis=0)
