"""Evidence for a formula in each variable: what rows tell of a function of it beyond what the formula takes to write.

A formula that takes as many bits as the rows tell of the best smooth function, or of a table of a few values, fits
whatever the truth is. So each column, each product of powers that several terms differ by, and each argument of a
function must carry its formula alone: everything else as it is, what stands there is compared with any function of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate
from training.symbolic.evidence.single_index import single_index
from training.symbolic.evidence.variable import Variable
from training.symbolic.evidence.variables import variables

ROUNDING = 1e-15
STEP = 1e-6
"""Relative, of an argument, to see how far the whole follows it."""


def missing_evidence(
    candidate: Candidate, inputs: FloatArray, error: float, names: Sequence[str] | None = None
) -> str | None:
    """In which variable the rows are too little evidence, as a clause; None where there is enough.

    Args:
        candidate: with fitted constants.
        inputs: different rows, ``(rows, columns)``.
        error: relative to the target.
        names: of the columns; None: ``x0``, ``x1`` and so on.
    """
    names = [f"x{place}" for place in range(inputs.shape[1])] if names is None else names
    error = max(error, ROUNDING)
    reasons = (variable.reason(error, names) for variable in _all_variables(candidate, inputs))
    found = next((reason for reason in reasons if reason), None)
    if found:
        return found
    for law, follows in _arguments(candidate, inputs):
        found = missing_evidence(law, inputs, error / follows, names)
        if found:
            return found
    return None


def _all_variables(candidate: Candidate, inputs: FloatArray) -> Iterator[Variable]:
    yield from variables(candidate, inputs)
    index = single_index(candidate, inputs)
    if index is not None:
        yield index


def _arguments(candidate: Candidate, inputs: FloatArray) -> Iterator[tuple[Candidate, float]]:
    """Inner laws of several columns, and how many times the law's relative change theirs is, in the median row."""
    before = candidate.predict(inputs)
    for place, feature in enumerate(candidate.features):
        for number, law in enumerate(feature.arguments):
            if law.used.sum() < 2:
                continue
            moved = replace(law, constants=law.constants * np.where(law.sum_index == 0, 1 + STEP, 1.0))
            arguments = (*feature.arguments[:number], moved, *feature.arguments[number + 1 :])
            features = list(candidate.features)
            features[place] = replace(feature, arguments=arguments)
            after = replace(candidate, features=tuple(features)).predict(inputs)
            with np.errstate(all="ignore"):
                follows = np.abs(after / before - 1) / STEP
            follows = follows[np.isfinite(follows) & (follows > 0)]
            yield law, float(np.clip(np.median(follows), 1e-6, 1e6)) if len(follows) else 1.0
