"""Samples of a fitted model, and of the MLP beside it, along each column and far beyond its training range."""

from collections.abc import Sequence

import numpy as np

from models.arrays import FloatArray, Predict
from models.curves import Curve, Curves

INSIDE, OUTSIDE = 21, 20
"""Samples within a column's range, and on each side of it."""
REACH = 10.0
"""How far beyond the range the last sample lies, in widths of the range."""
MOST_CURVES = 32
"""Curves of a table with more columns are those along which the network varies most within the range."""
DIGITS = 9
"""Significant digits of samples: more than a plot shows, of a narrow range far from 0 too."""


def sample_curves(
    model: Predict,
    mlp: Predict | None,
    columns: Sequence[str],
    target: str,
    ranges: Sequence[tuple[float, float]],
    rows: FloatArray | None = None,
) -> Curves:
    """Sample a model and its MLP along each column, the other columns in the middle of their training range.

    Args:
        model: maps rows ``(rows, columns)`` to predictions ``(rows, 1)``.
        mlp: the MLP, likewise; None where there is none.
        columns: names of the columns.
        target: name of the predicted column.
        ranges: lowest and highest value of every column in training.
        rows: training rows, ``(rows, columns)``: a column of whole numbers stays at one that it has, as halfway
            between the codes of two classes there is none. None: they are not known.
    """
    values = [None] * len(columns) if rows is None else rows.T
    at = np.array([_middle(*ends, known) for ends, known in zip(ranges, values, strict=True)])
    curves = [
        Curve(
            column=name,
            range=ends,
            inputs=(inputs := curve_inputs(*ends)).tolist(),
            model=_samples(model, batch := _along(place, inputs, at)),
            mlp=mlp and _samples(mlp, batch),
        )
        for place, (name, ends) in enumerate(zip(columns, ranges, strict=True))
    ]
    most = sorted(sorted(range(len(curves)), key=lambda place: _spread(curves[place]), reverse=True)[:MOST_CURVES])
    middle = dict(zip(columns, at.tolist(), strict=True))
    return Curves(target=target, at=middle, curves=[curves[place] for place in most])


def curves_json(curves: Curves) -> bytes:
    """The content of ``curves.json``."""
    return f"{curves.model_dump_json()}\n".encode()


def curve_inputs(low: float, high: float) -> FloatArray:
    """Values of a column to sample at, ascending: evenly within its range, ever farther apart beyond it.

    They end ``REACH`` widths beyond the range, or at 0 where the range does not cross it: many quantities have no
    other sign. A column that never varied counts as one whose range is as wide as its value is large.
    """
    reach = REACH * ((high - low) or abs(high) or 1.0)
    below = min(reach, low) if low >= 0 else reach
    above = min(reach, -high) if low < 0 and high <= 0 else reach
    steps = np.geomspace(OUTSIDE**-1.5, 1, OUTSIDE)
    with np.errstate(all="ignore"):
        inputs = np.concatenate([low - below * steps, np.linspace(low, high, INSIDE), high + above * steps])
    return np.unique(np.append(_rounded(inputs[np.isfinite(inputs)]), [low, high]))


def _along(place: int, inputs: FloatArray, at: FloatArray) -> FloatArray:
    """Rows at the middle but for one column, ``(inputs, columns)``."""
    rows = np.tile(at, (len(inputs), 1))
    rows[:, place] = inputs
    return rows


def _middle(low: float, high: float, values: FloatArray | None) -> float:
    middle = low / 2 + high / 2
    if values is not None and np.array_equal(values, np.round(values)):
        return float(values[np.abs(values - middle).argmin()])
    return float(_rounded(np.array(middle)))


def _samples(model: Predict, rows: FloatArray) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in _rounded(model(rows)[:, 0]).tolist()]


def _spread(curve: Curve) -> float:
    """How far apart a model's samples within the range are."""
    low, high = curve.range
    inside = [y for x, y in zip(curve.inputs, curve.model, strict=True) if low <= x <= high and y is not None]
    return max(inside, default=0.0) - min(inside, default=0.0)


def _rounded(values: FloatArray) -> FloatArray:
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.ravel()]).reshape(values.shape)
