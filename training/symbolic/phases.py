"""The same waves with other phases: a sine is a cosine a quarter of a turn later."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from training.symbolic.candidate import Candidate, Feature

QUARTERS = (1, -1, 2, -2, 3, -3)
"""Quarters of a turn by which a phase is moved."""
_TURNED = {
    "sin": (("sin", 1), ("cos", -1), ("sin", -1), ("cos", 1)),
    "cos": (("cos", 1), ("sin", 1), ("cos", -1), ("sin", -1)),
}
"""A wave of a phase moved by 0 to 3 quarters: the function that undoes the move, and its sign."""


def with_other_phases(candidate: Candidate) -> Iterator[Candidate]:
    """Candidates of equal predictions in which one wave that has a phase is another wave."""
    for place, feature in enumerate(candidate.features):
        powers = candidate.exponents[:, candidate.width + place]
        argument = feature.arguments[0]
        phases = ~argument.exponents.any(1) & (argument.sum_exponents[argument.sum_index] == 1)
        if (
            feature.function not in _TURNED
            or len(argument.sum_exponents) > 1
            or phases.sum() != 1
            or (powers % 1).any()
        ):
            continue
        for quarters in QUARTERS:
            function, sign = _TURNED[feature.function][quarters % 4]
            moved = replace(argument, constants=argument.constants + phases * quarters * np.pi / 2)
            features = list(candidate.features)
            features[place] = Feature(function, (moved,))
            yield replace(candidate, constants=candidate.constants * sign**powers, features=tuple(features))
