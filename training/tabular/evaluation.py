"""The evaluation of a model of columns of numbers on its held-out rows."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.arrays import FloatArray, Predict
from training.data.table_split import Part, Split
from training.export.evaluation import EvaluatedPart, Evaluation, WorstRow, evaluate_part, worst_rows

MOST_COLUMNS = 12
"""Columns of a worst row that are kept, of wide tables the first."""


def evaluate_split(networks: Mapping[str, Predict], columns: Sequence[str], split: Split) -> Evaluation:
    """Evaluate networks on the held-out rows of a split.

    Args:
        networks: by name, ``"model"`` first; each maps rows ``(rows, columns)`` to predictions ``(rows, 1)``.
        columns: names of the columns.
        split: the rows.
    """
    parts = {"interpolation": split.interpolation, "extrapolation": split.extrapolation}
    predictions = {name: _predictions(networks, part) for name, part in parts.items() if len(part)}
    evaluated: dict[str, EvaluatedPart] = {
        name: evaluate_part(parts[name].target[:, 0], found, parts[name].weights) for name, found in predictions.items()
    }
    held_out = [(name, place) for name in predictions for place in range(len(parts[name]))]
    target = np.concatenate([parts[name].target[:, 0] for name in predictions])
    predicted = np.concatenate([found["model"] for found in predictions.values()])
    worst = [_worst(parts, *held_out[place], columns, predicted[place]) for place in worst_rows(target, predicted)]
    return Evaluation(parts=evaluated, worst=worst)


def _predictions(networks: Mapping[str, Predict], part: Part) -> dict[str, FloatArray]:
    return {name: network(part.inputs)[:, 0] for name, network in networks.items()}


def _worst(parts: Mapping[str, Part], name: str, place: int, columns: Sequence[str], predicted: float) -> WorstRow:
    part = parts[name]
    inputs = dict(zip(columns, part.inputs[place].tolist(), strict=True))
    return WorstRow(
        part=name,
        row="" if part.numbers is None else str(part.numbers[place]),
        inputs=dict(list(inputs.items())[:MOST_COLUMNS]),
        actual=f"{part.target[place, 0]:.9g}",
        predicted=f"{predicted:.9g}",
    )
