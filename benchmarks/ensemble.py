"""python -m benchmarks.ensemble: training steps a second, one replica at a time and as an ensemble, on one core.

Both train NMUs on ``a * b`` with batches of 128 fresh samples, the regulariser and the clamping of the published
settings, in float32: the 9 ranges x 25 seeds of the Single Module Arithmetic Task. Published code trains one at a time,
a module and a ``torch.optim.Adam`` for each; that is timed on a few steps, as all of them would take hours.
"""

import logging
import platform
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from models.hyperparameters import Hyperparameters
from models.units import UNITS
from training.research.benchmark.run import BLOCK, problem
from training.research.benchmark.task import BATCH, RANGES, UniformStream
from training.research.ensemble import Ensemble

UNIT, OPERATION, INPUTS = "NMU", "multiply", 2
SEEDS = range(1000, 1025)
SINGLE_STEPS, ENSEMBLE_STEPS, ROUNDS = 1500, 3000, 3


def build() -> Sequence[nn.Module]:
    """One replica."""
    return [UNITS.load(UNIT)(INPUTS, 1)]


def one_at_a_time(hyperparameters: Hyperparameters) -> float:
    """Steps a second of a plain training loop."""
    unit: Any = build()[0]
    optimizer = torch.optim.Adam(unit.parameters(), lr=hyperparameters.learning_rate)
    low, high = RANGES[0].interpolation
    started = perf_counter()
    for step in range(SINGLE_STEPS):
        x = low + (high - low) * torch.rand(BATCH, INPUTS)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(unit(x), x.prod(1, keepdim=True))
        loss = loss + hyperparameters.penalty_at(step) * unit.penalty(W=unit.W.t()).mean()
        loss.backward()
        optimizer.step()
        unit.W.data.clamp_(*unit.BOUNDS["W"])
    return SINGLE_STEPS / (perf_counter() - started)


def ensemble(hyperparameters: Hyperparameters, compiled: bool) -> tuple[float, float]:
    """Replica-steps a second, drawing of samples included, and the seconds of the first, compiling steps."""
    stream = UniformStream(SEEDS, INPUTS)
    replicas = Ensemble(
        build, [seed for _ in RANGES for seed in SEEDS], problem(OPERATION, RANGES), hyperparameters, compiled=compiled
    )
    draw = partial(_samples, stream)
    begun = perf_counter()
    replicas.train(draw())
    ready = perf_counter()
    for _ in range(ENSEMBLE_STEPS // BLOCK):
        replicas.train(draw())
    return ENSEMBLE_STEPS * len(replicas.seeds) / (perf_counter() - ready), ready - begun


def _samples(stream: UniformStream) -> Tensor:
    return torch.from_numpy(stream.draw(BLOCK))


def main() -> None:
    """Measure in turns, so that both run under the same conditions, and print the best of the rounds."""
    logging.basicConfig(format="%(message)s")
    torch.set_num_threads(1)
    unit: Any = UNITS.load(UNIT)
    hyperparameters: Hyperparameters = unit.HYPERPARAMETERS
    count = len(RANGES) * len(SEEDS)
    rounds = [
        (one_at_a_time(hyperparameters), *ensemble(hyperparameters, True), ensemble(hyperparameters, False)[0])
        for _ in range(ROUNDS)
    ]
    single, compiled, _, plain = (max(values) for values in zip(*rounds, strict=True))
    first = rounds[0][2]
    print(
        f"{platform.machine()}, 1 thread, PyTorch {torch.__version__}; {UNIT}, {count} replicas, batch {BATCH}, float32"
    )
    print(f"one at a time       {single:12,.0f} replica-steps a second")
    print(f"ensemble, plain     {plain:12,.0f} replica-steps a second, {plain / single:7,.0f} times")
    print(f"ensemble, compiled  {compiled:12,.0f} replica-steps a second, {compiled / single:7,.0f} times")
    print(f"compiling took {first:.1f} s; {count} runs of 50,000 steps take {count * 50_000 / compiled + first:,.0f} s")
    print(f"one after the other they would take {count * 50_000 / single / 3600:.1f} hours")


if __name__ == "__main__":
    main()
