"""Evaluation of replicas in training: errors within and beyond the range, and the step with the lowest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.arrays import FloatArray
from models.functional import nac_weight
from training.research.benchmark.comparisons import digit_pairs, far_pairs
from training.research.benchmark.task import (
    EXTRAPOLATION_SEED,
    INTERPOLATION_SEED,
    OPERATIONS,
    Operation,
    Range,
    evaluation_set,
)
from training.research.benchmark.thresholds import threshold
from training.research.ensemble import Ensemble, of_layer

CHUNK = 1000
"""Samples evaluated at once; as they fit the processor's cache, this is several times faster."""


@dataclass
class ErrorTally:
    """Best errors so far, one entry a replica.

    Args:
        thresholds: extrapolation errors below them count as solved.
    """

    thresholds: FloatArray
    best: FloatArray = field(init=False)
    extrapolation: FloatArray = field(init=False)
    sparsity: FloatArray = field(init=False)
    solved_at: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self.best, self.extrapolation, self.sparsity = (np.full(len(self.thresholds), np.inf) for _ in range(3))
        self.solved_at = np.full(len(self.thresholds), np.nan)

    def add(self, step: int, interpolation: FloatArray, extrapolation: FloatArray, sparsity: FloatArray) -> None:
        """Add an evaluation. The best step is that of the lowest interpolation error; NaN is never the best."""
        better = interpolation < self.best
        self.best[better] = interpolation[better]
        self.extrapolation[better] = extrapolation[better]
        self.sparsity[better] = sparsity[better]
        self.solved_at[np.isnan(self.solved_at) & (extrapolation < self.thresholds)] = step


def dtype_of(operation: Operation) -> torch.dtype:
    """Of weights and samples: float32, as published, but for comparisons of large whole numbers."""
    return torch.float32 if operation.equal_share is None else torch.float64


class Evaluation:
    """The two evaluation sets of every range, and the errors of an ensemble on them."""

    def __init__(self, operation: str, inputs: int, ranges: Sequence[Range], seeds: int) -> None:
        self.operation = OPERATIONS[operation]
        self.inputs, self.seeds = inputs, seeds
        self.sets = [[self._within(r) for r in ranges], [self._beyond(r) for r in ranges]]
        each = [threshold(operation, r.extrapolation, inputs) for r in ranges]
        self.thresholds: FloatArray = np.repeat(each, self.seeds)

    def __call__(self, ensemble: Ensemble) -> list[FloatArray]:
        """Mean square errors of all replicas on both sets, in the ensemble's arithmetic."""
        return [np.concatenate([self._errors(ensemble, i, *part) for i, part in enumerate(half)]) for half in self.sets]

    def _within(self, r: Range) -> tuple[Tensor, Tensor]:
        if self.operation.equal_share is None:
            return self._set(evaluation_set([r.interpolation], self.inputs, INTERPOLATION_SEED))
        uniform = evaluation_set([(0, 1)], 2, INTERPOLATION_SEED)
        return self._set(digit_pairs(torch.from_numpy(uniform), self.operation.equal_share).numpy())

    def _beyond(self, r: Range) -> tuple[Tensor, Tensor]:
        if self.operation.equal_share is None:
            return self._set(evaluation_set(r.extrapolation, self.inputs, EXTRAPOLATION_SEED))
        return self._set(far_pairs(r.extrapolation[0], self.operation.equal_share, EXTRAPOLATION_SEED))

    def _set(self, samples: FloatArray) -> tuple[Tensor, Tensor]:
        x, dtype = torch.from_numpy(samples), dtype_of(self.operation)
        return x.to(dtype).unsqueeze(1).contiguous(), self.operation.law(x).to(dtype)

    def _errors(self, ensemble: Ensemble, index: int, x: Tensor, target: Tensor) -> FloatArray:
        of_range = slice(index * self.seeds, (index + 1) * self.seeds)
        parts = zip(torch.split(x, CHUNK, -1), torch.split(target, CHUNK), strict=True)
        errors = [((ensemble.predict(inputs, of_range) - truth) ** 2).mean(-1) for inputs, truth in parts]
        return np.asarray(torch.stack(errors).mean(0).double())


def sparsity_errors(weights: dict[str, Tensor], layers: Sequence[Any] = ()) -> FloatArray:
    """Largest distance of each replica's selecting weights from -1, 0 and 1: ``(replicas,)``; gates do not count.

    NaN where no layer has selecting weights.
    """
    found = [weight for name, weight in weights.items() if name.rpartition(".")[2] in ("W", "W_r", "W_i")]
    for index, layer in enumerate(layers):
        if hasattr(layer, "selectors"):
            found.append(layer.selectors(**of_layer(weights, index)))
    for name, gate in weights.items():
        if name.endswith(".gate"):  # the AMU's: of its two matrices one is in use
            layer = name.removesuffix("gate")
            found.append(torch.where(gate > 0, weights[f"{layer}W_add"], weights[f"{layer}W_mul"]))
    for name, W_hat in weights.items():
        if name.endswith("_hat") and name.replace(".W_", ".M_") in weights.keys() - {name}:
            found.append(nac_weight(W_hat, weights[name.replace(".W_", ".M_")]))
    if not found:
        return np.full(next(iter(weights.values())).shape[-2], np.nan)
    largest = [torch.minimum(W.abs(), (1 - W.abs()).abs()).flatten(0, 1).amax((0, 2)) for W in found]
    return np.asarray(torch.stack(largest).amax(0).double())
