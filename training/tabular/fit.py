"""Fits a law, or a network of one unit, to columns of numbers, and measures it beside an MLP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from models.alternatives import FrontEntry, Rival
from models.arrays import FloatArray
from models.law import Law
from models.networks import Network
from training.data.table_split import Part, Split
from training.errors import DivergedError, InputError
from training.export.dry_run import check_unit_export
from training.export.manifest_fields import unit_name
from training.metrics import NEAR_ZERO, predict, regression_errors, relative_errors
from training.symbolic import find_law
from training.symbolic.categories import SEARCHES, find_category_law
from training.symbolic.deadline import Deadline
from training.symbolic.formula import Formula, formula
from training.symbolic.law_result import LawResult
from training.symbolic.row_weights import merge_rows
from training.symbolic.search_space import ANY_LAW, SearchSpace
from training.symbolic.uncertainty import LawUncertainty
from training.tabular.extrapolation_plot import plot_extrapolation
from training.tabular.mlp import count_parameters
from training.tabular.restarts import best_mlp, best_restart

AUTO = "auto"
"""In the place of a unit's name: search for the law (``training.symbolic``) instead of training one unit."""
MAX_TRAINING_ROWS = 8192
MLP_SHARE, MLP_SECONDS = 0.2, 0.5
"""Share of the time that is left to the MLP, and what it gets at least."""

AnyArithmetic = Network | Law


@dataclass(frozen=True)
class FitConfig:
    """What to fit and how the result is described.

    Args:
        name: the model's name.
        columns: names of the input columns.
        target: name of the target.
        unit: name of the unit to train, or ``AUTO``.
        hidden: widths of hidden layers.
        seed: start of all random numbers.
        restarts: how often a unit is trained from new start values, at most.
        seconds: limit of the time for the search or the training, the MLP beside it included.
        space: the laws that the search may try.
        category: the column each of whose classes has one constant in the law; None: there is none.
        summary: one line for people.
        command: the command line that reproduces the model.
        data: origin of the rows.
    """

    name: str
    columns: Sequence[str]
    target: str
    unit: str
    seed: int
    command: str
    data: str
    summary: str = ""
    hidden: Sequence[int] = ()
    restarts: int = 8
    seconds: float = 240.0
    space: SearchSpace = ANY_LAW
    category: str | None = None


@dataclass(frozen=True)
class FittedModel:
    """A fitted network and the MLP of equal size beside it.

    Args:
        unit: name of its unit, or ``"Law"``; ``"Approximation"`` where the search found no law.
        network: in float64.
        mlp: the MLP; None where it gives no finite numbers.
        formula: of the network, for every input; None where there is none.
        reason: why the search found no law, one clause; None if it found one, or a unit was trained.
        metrics: errors by part, as manifests hold them.
        uncertainty: of a law's constants; None where there is no law, or it cannot be computed.
        remark: one sentence on the units of a law's numbers; None where there is no law, or units are not known.
        front: the best formula of each complexity that a search tried.
        rivals: formulas that explain the rows equally well, where therefore none is claimed.
    """

    unit: str
    network: AnyArithmetic
    mlp: nn.Module | None
    formula: Formula | None
    reason: str | None
    metrics: dict[str, dict[str, Any]]
    uncertainty: LawUncertainty | None = None
    remark: str | None = None
    front: Sequence[FrontEntry] = ()
    rivals: Sequence[Rival] = ()


def fit(config: FitConfig, split: Split) -> FittedModel:
    """Search for the law of the training rows, or train the configured unit from several starts and keep the best.

    Restarts are judged by interpolation error. The extrapolation part is measured only.

    Raises:
        ValueError: an unknown unit.
        InputError: nothing gives finite numbers.
    """
    torch.manual_seed(config.seed)
    part = _at_most(split.train, MAX_TRAINING_ROWS, config.seed)
    dims = [len(config.columns), *config.hidden, 1]
    if config.unit != AUTO:
        check_unit_export(config.unit, dims, pair(part.inputs[:64]))
    deadline = Deadline.after(config.seconds)
    found = _search(config, part) if config.unit == AUTO else _train(config, dims, part, split, deadline)
    size, left = count_parameters(found.network), deadline.no_earlier_than(MLP_SECONDS)
    mlp = best_mlp(part, size, split.interpolation, config.restarts, left)
    parts = {"interpolation": split.interpolation, "extrapolation": split.extrapolation}
    return replace(found, mlp=mlp, metrics=measure(found.network, mlp, parts))


def _search(config: FitConfig, train: Part) -> FittedModel:
    """The network of the law with formula and uncertainty, or of the best approximation and why it is no law."""
    weights = None
    if train.weights is not None:
        places, weights = merge_rows(train.inputs, train.target[:, 0], train.weights)
        train = train.at(places)
    with tqdm(total=None, desc="searching", bar_format="{desc}: {elapsed} s, {postfix}", disable=None) as bar:
        try:
            options: Any = {"space": config.space, "seed": config.seed, "reserve": MLP_SHARE}
            options["progress"] = None if bar.disable else bar.set_postfix_str
            found = _found(config, train, weights, options)
        except ValueError as error:
            raise InputError(f"No law can be searched for '{config.target}': {error}") from error
    return FittedModel(
        unit=unit_name(found.network, found.reason),
        network=found.network,
        mlp=None,
        formula=found.expression,
        reason=found.reason,
        metrics={},
        uncertainty=found.uncertainty,
        remark=found.remark,
        front=found.front,
        rivals=found.rivals,
    )


def _found(config: FitConfig, train: Part, weights: FloatArray | None, options: Any) -> LawResult:
    if config.category is None:
        rows, columns = train.numbers, config.columns
        options = {**options, "rows": rows, "weights": weights, "seconds": config.seconds}
        return find_law(train.inputs, train.target, columns=columns, **options)

    def find(inputs: FloatArray, target: FloatArray, columns: Sequence[str]) -> LawResult:
        return find_law(inputs, target, columns=columns, seconds=config.seconds / SEARCHES, **options)

    return find_category_law(train.inputs, train.target, config.columns, config.category, find)


def _train(config: FitConfig, dims: Sequence[int], train: Part, split: Split, deadline: Deadline) -> FittedModel:
    end = deadline.share(1 - MLP_SHARE)
    network, error = best_restart(config.unit, dims, train, split.interpolation, config.restarts, end)
    if error == np.inf:
        raise DivergedError(
            f"No {config.unit} network fits '{config.target}' with finite numbers; all {config.restarts} starts "
            f"diverged on inputs up to {np.abs(train.inputs).max():g} and targets up to "
            f"{np.abs(train.target).max():g}: scale the columns nearer to 1, or train another --unit."
        )
    return FittedModel(unit_name(network, None), network, None, formula(network, config.columns), None, {})


def plot(fitted: FittedModel, split: Split, path: Path, title: str) -> None:
    """Draw the errors of the network and its MLP on the rows that were not trained on."""
    inputs = np.concatenate([split.interpolation.inputs, split.extrapolation.inputs])
    target = np.concatenate([split.interpolation.target, split.extrapolation.target])
    networks: dict[str, nn.Module] = {fitted.unit: fitted.network} | ({"MLP": fitted.mlp} if fitted.mlp else {})
    errors = {
        name: relative_errors(predict(network, inputs), target, NEAR_ZERO)[:, 0] for name, network in networks.items()
    }
    plot_extrapolation(path, title, split.distance(inputs), errors)


def measure(network: nn.Module, mlp: nn.Module | None, parts: Mapping[str, Part]) -> dict[str, dict[str, Any]]:
    """Errors of a network on some rows, and beside them the MLP's, as manifests hold them."""
    return {
        name: {
            **regression_errors(predict(network, part.inputs), part.target, part.weights),
            **({"mlp": regression_errors(predict(mlp, part.inputs), part.target, part.weights)} if mlp else {}),
        }
        for name, part in parts.items()
    }


def _at_most(part: Part, rows: int, seed: int) -> Part:
    if len(part) <= rows:
        return part
    index = np.random.default_rng(seed).choice(len(part), rows, replace=False)
    return part.at(index)


def pair(inputs: FloatArray) -> FloatArray:
    """At least two rows: the exporter takes a batch of one for a batch that is always one."""
    return inputs if len(inputs) > 1 else np.repeat(inputs, 2, axis=0)
