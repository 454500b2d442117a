"""Laws with one constant for each class of a column, such as ``{1: 2.5, 2: 7}[size] * quantity``.

The law of the other columns is searched in the rows of the largest class. Then the constants of all classes follow, as
factors or as addends of it, and the law is searched again in all rows without them: it is accepted as any other, and
only if the class tells nothing more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from models.arrays import FloatArray, IntArray
from models.law import Law
from training.metrics import predict
from training.symbolic.formula import formula
from training.symbolic.law_result import LawResult
from training.symbolic.snap import simplest_constant

SEARCHES = 4
"""At most: in one class, in all rows by factors, in all by addends, and of an approximation."""
MAX_CLASSES = 50
MIN_ROWS = 10
"""Rows of every class, at least: so many test its one constant."""
ROUNDING = 1e-12

Find = Callable[[FloatArray, FloatArray, Sequence[str]], LawResult]
"""Finds the law of inputs ``(rows, columns)`` and target ``(rows, 1)``, with these names."""


@dataclass(frozen=True)
class _Classes:
    """The classes of a column: its values, and which of them each row has, ``(rows,)``."""

    column: int
    values: FloatArray
    of_rows: IntArray

    def means(self, numbers: FloatArray, weights: FloatArray | None = None) -> FloatArray:
        """The mean of each class, ``(classes,)``, weighted."""
        weights = np.ones(len(numbers)) if weights is None else weights
        return np.asarray(np.bincount(self.of_rows, weights * numbers) / np.bincount(self.of_rows, weights))


def find_category_law(
    inputs: FloatArray, target: FloatArray, columns: Sequence[str], category: str, find: Find
) -> LawResult:
    """Find a law in which one column only chooses a constant: a factor of the others' law, or an addend.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows, 1)``.
        columns: names of the columns.
        category: name of the one that holds classes.
        find: finds the law of a table without classes.

    Raises:
        ValueError: there are too many classes, or too few rows of one, or no other column.
    """
    classes = _classes(inputs, columns, category)
    others = [place for place in range(len(columns)) if place != classes.column]
    largest = classes.of_rows == np.bincount(classes.of_rows).argmax()
    first = find(inputs[largest][:, others], target[largest], [columns[place] for place in others])
    if first.reason:
        return _no_law(inputs, target, columns, find, f"in the rows of one '{category}', {first.reason}")
    prediction = predict(first.network, inputs[:, others])[:, 0]
    for factor in _likelier_first(classes, prediction, target[:, 0]):
        constants = _constants(classes, prediction, target[:, 0], factor)
        rest = _without(target[:, 0], constants[classes.of_rows], factor)
        if not np.isfinite(rest).all():
            continue
        pooled = find(inputs, rest[:, None], columns)
        if pooled.reason is None and not bool(pooled.network.used[classes.column]):
            return _result(pooled.network, classes, inputs, target[:, 0], columns, factor)
    why = f"no law of the other columns holds with a factor or an addend for each '{category}'"
    return _no_law(inputs, target, columns, find, why)


def _classes(inputs: FloatArray, columns: Sequence[str], category: str) -> _Classes:
    column = list(columns).index(category)
    values, of_rows, counts = np.unique(inputs[:, column], return_inverse=True, return_counts=True)
    if len(values) > MAX_CLASSES:
        raise ValueError(
            f"categories names '{category}', which has {len(values)} different values; at most {MAX_CLASSES} classes "
            "can have a constant each, so leave it out."
        )
    if counts.min() < MIN_ROWS:
        fewest = int(counts.argmin())
        raise ValueError(
            f"categories names '{category}', of which the class {values[fewest]:g} has {counts[fewest]} training rows; "
            f"a constant needs at least {MIN_ROWS} to be tested, so add rows or leave those of that class out."
        )
    if len(columns) < 2:
        raise ValueError(
            f"categories names '{category}', and there is no other column; a table of one constant a class is no law, "
            "so add a column."
        )
    return _Classes(column, values, of_rows.ravel())


def _likelier_first(classes: _Classes, prediction: FloatArray, target: FloatArray) -> list[bool]:
    """Whether constants are factors, or not, the better fit first."""

    def error(factor: bool) -> float:
        constants = _constants(classes, prediction, target, factor)[classes.of_rows]
        with np.errstate(all="ignore"):
            missed = float(np.mean((target - (prediction * constants if factor else prediction + constants)) ** 2))
        return missed if np.isfinite(missed) else np.inf

    return sorted([True, False], key=error)


def _constants(classes: _Classes, prediction: FloatArray, target: FloatArray, factor: bool) -> FloatArray:
    """The constant of each class that fits best, as the simplest number within three standard errors."""
    with np.errstate(all="ignore"):
        if factor:
            constants, spread = classes.means(target / prediction, prediction**2), np.abs(prediction)
        else:
            constants, spread = classes.means(target - prediction), np.ones(len(target))
        fitted = constants[classes.of_rows] * (prediction if factor else 1.0) + (0.0 if factor else prediction)
        noise = np.sqrt(classes.means((target - fitted) ** 2) / np.bincount(classes.of_rows))
        errors = 3 * noise / classes.means(spread) + ROUNDING * np.maximum(np.abs(constants), 1e-300)
    if not (np.isfinite(constants).all() and np.isfinite(errors).all()):
        return constants
    return np.array([simplest_constant(float(c), float(e)) for c, e in zip(constants, errors, strict=True)])


def _without(target: FloatArray, constants: FloatArray, factor: bool) -> FloatArray:
    with np.errstate(all="ignore"):
        return target / constants if factor else target - constants


def _result(
    law: Law, classes: _Classes, inputs: FloatArray, target: FloatArray, columns: Sequence[str], factor: bool
) -> LawResult:
    """The law with the constants of the classes, which take up the constant of a single product."""
    if factor and law.C.shape == (1, 1) and law.V.tolist() == [1.0]:
        torch.nn.init.ones_(law.C)
    constants = _constants(classes, predict(law, inputs)[:, 0], target, factor)
    network = _network(law, classes, constants, factor)
    return LawResult(network, formula(network, columns), None)


def _network(law: Law, classes: _Classes, constants: FloatArray, factor: bool) -> Law:
    """``lookup * law``, or ``law + lookup``, as a law of these two features."""
    width = law.config["in_features"]
    features = [
        {"function": "identity", "arguments": [law.config]},
        {"function": "lookup", "column": classes.column, "values": classes.values.tolist()},
    ]
    network = Law(width, 1 if factor else 2, 1, features)
    state = network.state_dict()
    state.update({f"features.0.arguments.0.{name}": value for name, value in law.state_dict().items()})
    state["features.1.constants"] = torch.from_numpy(constants)
    powers = torch.zeros_like(network.W)
    powers[:, width:] = torch.ones(1, 2) if factor else torch.eye(2)
    state["W"], state["C"] = powers, torch.ones_like(network.C)
    state["negative"] = torch.where(powers != 0, -1.0, 1.0)
    network.load_state_dict(state)
    return network.double().eval()


def _no_law(inputs: FloatArray, target: FloatArray, columns: Sequence[str], find: Find, why: str) -> LawResult:
    """The best approximation of all columns, and why there is no law."""
    return LawResult(find(inputs, target, columns).network, None, why)
