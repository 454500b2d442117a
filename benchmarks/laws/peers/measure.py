"""Every tool on every table, in the order of the tables."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from benchmarks.laws.cases import CASES
from benchmarks.laws.generate import NOISE, Case
from benchmarks.laws.peers.task import Task
from benchmarks.laws.peers.tools import PEERS
from benchmarks.laws.peers.trial import error_outside, is_solved, run
from models.arrays import FloatArray

NOWHERE = Path()
NOISE_STREAM = (7, 2026)
"""Of random numbers: the same errors for all tools."""


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Args:
        pythons: of the tools' environments, by tool.
        seconds: of each tool on each table.
        seed: start of all random numbers.
        cores: tables at a time, each on its own core; None: on any.
    """

    pythons: Mapping[str, Path]
    seconds: float
    seed: int
    cores: Sequence[int | None]


def measure(plan: Plan, kind: str, noise: float, count: int) -> Iterator[dict[str, Any]]:
    """Results of one kind of table with this noise, one a table and tool."""
    free: SimpleQueue[int | None] = SimpleQueue()
    for core in plan.cores:
        free.put(core)

    def one(number: int) -> list[dict[str, Any]]:
        core = free.get()
        try:
            return trials(plan, kind, noise, number, core)
        finally:
            free.put(core)

    with ThreadPoolExecutor(len(plan.cores)) as pool:
        for results in pool.map(one, range(count)):
            yield from results


def trials(plan: Plan, kind: str, noise: float, number: int, core: int | None = None) -> list[dict[str, Any]]:
    """The result of each tool on one table."""
    case = CASES[kind](np.random.default_rng([plan.seed, zlib.crc32(kind.encode()), number]))
    noise = NOISE if case.noisy else noise
    task = Task(
        NOWHERE, case.inputs, observed(case, noise, number), case.outside, list(case.columns), noise, plan.seconds
    )
    truth, results = case.law(case.outside), []
    for tool, python in plan.pythons.items():
        answer = run(python, PEERS[tool].program, task, plan.seconds, core)
        error = error_outside(answer.predicted, truth)
        results.append(
            {
                "table": number,
                "tool": tool,
                "truth": str(case.law),
                "formula": answer.formula,
                "solved": is_solved(error, noise),
                "error": float(f"{error:.2e}") if np.isfinite(error) else None,
                "seconds": round(answer.seconds, 1),
                "problem": answer.problem,
            }
        )
    return results


def observed(case: Case, noise: float, number: int) -> FloatArray:
    """The target with errors in proportion to each value, ``(rows,)``; a kind with noise of its own keeps that."""
    target = np.asarray(case.target[:, 0])
    if case.noisy or not noise:
        return target
    return np.asarray(
        target * (1 + noise * np.random.default_rng([number, *NOISE_STREAM]).standard_normal(len(target)))
    )
