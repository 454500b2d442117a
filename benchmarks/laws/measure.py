"""One table a task: a random law to find, or none to claim."""

import math
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from time import process_time
from typing import Any

import numpy as np
import torch

from benchmarks.laws.cases import CASES
from benchmarks.laws.evaluation import evaluate, formula_values
from benchmarks.laws.lawless import LawlessCase, lawless_case
from benchmarks.laws.lawless_tables import tables
from models.alternatives import Rival
from models.arrays import FloatArray
from training.metrics import predict
from training.symbolic import find_law
from training.trainer.executors.tasks import in_order, one_thread

LAWLESS_SECONDS = 60.0
"""Of the processor, at most for a table without a law; ``fit`` takes four times as long at most."""


def measure(executor: Executor, kind: str, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Results of one kind, in order."""
    numbers = range(len(list(tables(seed))) if kind == "tables" else count)
    return in_order(executor, measure_one, [(kind, seed, number) for number in numbers])


def measure_one(kind: str, seed: int, number: int) -> dict[str, Any]:
    """The result of one table, in one thread."""
    with one_thread():
        if kind == "tables":
            return _table(seed, number)
        return _lawless(seed, number) if kind == "lawless" else _law(kind, seed, number)


def _law(kind: str, seed: int, number: int) -> dict[str, Any]:
    case = CASES[kind](np.random.default_rng([seed, zlib.crc32(kind.encode()), number]))
    finding, seconds = _find(case.inputs, case.target, case.columns)
    evaluation = evaluate(case, finding.formula)
    return {
        "truth": str(case.law),
        "formula": finding.formula,
        "right": evaluation.found,
        "error": evaluation.error if math.isfinite(evaluation.error) else None,
        "network": _largest_error(finding.network, case.outside, case.law(case.outside)),
        "seconds": seconds,
    }


def _table(seed: int, number: int) -> dict[str, Any]:
    table = list(tables(seed))[number]
    finding, seconds = _find(table.inputs, table.target, table.columns)
    right = finding.formula is None
    return {"truth": table.title, "formula": finding.formula, "right": right, "seconds": seconds}


def _lawless(seed: int, number: int) -> dict[str, Any]:
    """Right is whatever is not false: no claim, or one that is near the truth beyond the range.

    ``founded`` is whether the rivals, if any, are.
    """
    case = lawless_case(seed, number)
    finding, seconds = _find(case.inputs, case.target[:, None], case.columns, LAWLESS_SECONDS)
    error = None if finding.formula is None else case.error(predict(finding.network, case.outside)[:, 0])
    return {
        "truth": case.title,
        "formula": finding.formula,
        "right": error is None or not case.is_false(error),
        "error": error if error is not None and math.isfinite(error) else None,
        "rivals": [rival.formula for rival in finding.rivals],
        "founded": _founded(case, finding.rivals),
        "seconds": seconds,
    }


def _founded(case: LawlessCase, rivals: Sequence[Rival]) -> bool:
    """Whether each rival explains the rows, and parts from the first where it is said to."""
    middle = dict(zip(case.columns, np.median(case.inputs, axis=0), strict=True))

    def values(rival: Rival, inputs: FloatArray) -> FloatArray:
        return formula_values(rival.formula, case.columns, inputs)

    def parts(rival: Rival) -> bool:
        place = np.array([list((middle | rival.parts_at).values())])
        return case.parts(float(values(rivals[0], place)[0]), float(values(rival, place)[0]))

    return all(case.explains(values(rival, case.inputs)) for rival in rivals) and all(map(parts, rivals[1:]))


def _find(inputs: np.ndarray, target: np.ndarray, columns: Any, seconds: float = math.inf) -> tuple[Any, float]:
    started = process_time()
    finding = find_law(inputs, target, columns=list(columns), seed=0, seconds=seconds, clock=process_time)
    return finding, round(process_time() - started, 2)


def _largest_error(network: torch.nn.Module, inputs: np.ndarray, truth: np.ndarray) -> float | None:
    """The network's largest relative error; None where it is not finite."""
    with torch.no_grad():
        predicted = network(torch.from_numpy(inputs)).numpy()[:, 0]
    with np.errstate(all="ignore"):
        error = float(np.max(np.abs(predicted - truth) / np.abs(truth)))
    return error if math.isfinite(error) else None
