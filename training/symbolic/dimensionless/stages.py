"""The stages of a search among the laws in which units agree: those of dimensionless groups."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import Deadline, DeadlineError
from training.symbolic.dimensionless.groups import DimensionlessGroups
from training.symbolic.row_weights import mean_one
from training.symbolic.search_space import SearchSpace
from training.symbolic.stages import SIMPLE, Stage, constant_candidate, stages
from training.symbolic.wide_stages import wide_stages

SHARE = 0.5
"""Share of the time for laws in which units agree, before those whose numbers have units."""


def dimensional_stages(
    inputs: FloatArray,
    target: FloatArray,
    rounds: int,
    random: np.random.Generator,
    deadline: Deadline,
    space: SearchSpace,
    weights: FloatArray | None,
    *,
    narrow: int,
) -> Iterator[Stage]:
    """All kinds of candidates of dimensionless groups, as candidates of the columns; they end when their time is up.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        rounds: as of ``stages``.
        random: for start values.
        deadline: of the whole search.
        space: the laws that may be tried; without dimensions there is no stage.
        weights: of the rows, their mean 1, ``(rows,)``; None: 1.
        narrow: groups that are searched all together, at most.
    """
    groups = None if space.dimensions is None else DimensionlessGroups.of(space.dimensions, inputs)
    if groups is None:
        return
    table, quotient, unit = groups.table(inputs, target)
    if not (np.isfinite(table).all() and np.isfinite(quotient).all()):
        return
    product = groups.restored(constant_candidate(table, float(np.median(quotient))))
    yield Stage(SIMPLE, [product], more_at_once=table.shape[1] > 0)
    stop = deadline.share(SHARE)
    of_rows = table, quotient, rounds, random, stop, replace(space, dimensions=None)
    of_one_size = mean_one(unit**2 if weights is None else weights * unit**2)
    found = wide_stages(*of_rows) if table.shape[1] > narrow else stages(*of_rows, of_one_size)
    with suppress(DeadlineError):
        for stage in found if table.shape[1] else ():
            candidates = _restored(stage.candidates, groups, stage.columns) if stage.candidates else ()
            yield replace(stage, candidates=candidates, columns=None)


def _restored(
    candidates: Iterable[Candidate], groups: DimensionlessGroups, columns: IntArray | None
) -> Iterator[Candidate]:
    with suppress(DeadlineError):
        for candidate in candidates:
            yield groups.restored(candidate, columns)
