"""Intervals of a law's predictions: in them lies the given share of new observations."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import InvalidInputError
from models.manifest import Manifest
from models.uncertainty import Quantiles

NO_INTERVAL = "The interval is not finite: with constants one standard error off, the law is not."


def interval_quantiles(manifest: Manifest, level: float) -> Quantiles:
    """The quantiles of a model's intervals.

    Raises:
        InvalidInputError: the model has no intervals, or none of that level.
    """
    uncertainty = manifest.uncertainty
    if uncertainty is None:
        message = f"Model '{manifest.name}' has no intervals, {_why(manifest)}; leave out 'intervals'."
        raise InvalidInputError(message, [{"location": "body.intervals", "message": message}])
    quantiles = uncertainty.quantiles(level)
    if quantiles is None:
        listed = ", ".join(uncertainty.levels)
        message = f"Model '{manifest.name}' has no intervals of level {level:g}; choose one of {listed}."
        raise InvalidInputError(message, [{"location": "body.level", "message": message}])
    return quantiles


def _why(manifest: Manifest) -> str:
    if manifest.unit == "Law":
        return "as its law was exported without them: fit its table again"
    if manifest.unit == "Approximation":
        return "as no law was found in its table"
    return f"as it is no law that was found in a table, but a trained {manifest.unit}"


def add_intervals(
    response: dict[str, Any], outputs: NDArray[np.float64], spread: NDArray[np.float64], quantiles: Quantiles
) -> None:
    """Add the interval of each row, lowest and highest value, to a response; null, with a warning, if not finite.

    Args:
        response: with ``predictions`` and ``warnings``.
        outputs: ``(rows, 1)``.
        spread: ``(rows, 3)``, see ``Quantiles.intervals``.
        quantiles: how much of it the intervals span.
    """
    bounds = quantiles.intervals(outputs[:, 0], spread)
    found: list[list[float] | None] = bounds.tolist()
    for row in np.flatnonzero(~np.isfinite(bounds).all(1)).tolist():
        found[row] = None
        if response["predictions"][row] is not None:
            response["warnings"].append({"row": row, "message": NO_INTERVAL})
    response["intervals"] = found
