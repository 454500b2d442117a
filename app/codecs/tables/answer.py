"""What the answer adds to the rows of a table."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.codecs.tabular import NOT_FINITE, extrapolated
from models.manifest import Manifest


class Answer(NamedTuple):
    """Predictions for the rows of a table, in their order."""

    predictions: NDArray[np.float64]
    """``(rows, outputs)``, NaN in rows without a prediction."""
    extrapolated: NDArray[np.bool_] | None
    """Of each row, whether it lies outside the training range; None where that is not known."""
    warnings: dict[int, str]
    """Why a row has no prediction, by its index."""


def answer_rows(
    manifest: Manifest,
    inputs: NDArray[np.float64],
    outputs: NDArray[np.float64],
    faults: Mapping[int, str] | None = None,
) -> Answer:
    """The answer to a model's outputs.

    Args:
        manifest: of the model.
        inputs: ``(rows, columns)``.
        outputs: ``(rows, outputs)``.
        faults: what is wrong with rows whose inputs are not finite, by their index.
    """
    warnings = dict.fromkeys(np.flatnonzero(~np.isfinite(outputs).all(1)).tolist(), NOT_FINITE) | dict(faults or {})
    without = list(warnings)
    predictions = outputs.astype(np.float64)
    predictions[without] = np.nan
    return Answer(predictions, extrapolated(inputs, manifest), warnings)
