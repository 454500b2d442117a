"""python -m benchmarks.laws: find random laws, and claim none where there is none; ``--write`` keeps the results.

``--peers`` gives the same tables and time to other tools too.
Seeds other than 2026 are for work on the search; the published results are those of 2026.
"""

import argparse
import math
import multiprocessing
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch

from benchmarks.laws.cases import CASES
from benchmarks.laws.evaluation import evaluate
from benchmarks.laws.lawless import lawless_case
from benchmarks.laws.lawless_tables import tables
from benchmarks.laws.peers import command as peers
from benchmarks.laws.report import LIMITS, line, summary, write
from training.metrics import predict
from training.symbolic import find_law

RESULTS = Path("docs/results")
LAWLESS_SECONDS = 60.0
"""Of the processor, at most for a table without a law; ``fit`` takes four times as long at most."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.laws", description=__doc__)
    parser.add_argument("--kind", choices=LIMITS, help="measure this kind only (default: all)")
    parser.add_argument("--count", type=int, default=50, help="laws of each kind (default: 50)")
    parser.add_argument("--seed", type=int, default=2026, help="start of all random numbers (default: 2026)")
    parser.add_argument("--jobs", type=int, default=1, help="laws at a time, each on one core (default: 1)")
    parser.add_argument("--write", action="store_true", help=f"write the results and their page in {RESULTS}")
    peers.add_options(parser)
    options = parser.parse_args()
    if options.peers:
        peers.main(options, RESULTS)
        return
    for kind in [options.kind] if options.kind else LIMITS:
        print(f"\n{kind}")
        results = []
        for result in measure(kind, options.count, options.seed, options.jobs):
            results.append(result)
            print(line(result), flush=True)
        print(summary(kind, results))
        if options.write:
            write(RESULTS, kind, options.seed, results)


def measure(kind: str, count: int, seed: int, jobs: int) -> Iterator[dict[str, Any]]:
    """Results of one kind, in order."""
    special = {"tables": _table, "lawless": _lawless}
    one = partial(special[kind], seed) if kind in special else partial(_law, kind, seed)
    numbers = range(len(list(tables(seed))) if kind == "tables" else count)
    if jobs == 1:
        yield from map(one, numbers)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(one, numbers)


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
    """Right is whatever is not false: no claim, or one that is near the truth beyond the range."""
    case = lawless_case(seed, number)
    finding, seconds = _find(case.inputs, case.target[:, None], case.columns, LAWLESS_SECONDS)
    error = None if finding.formula is None else case.error(predict(finding.network, case.outside)[:, 0])
    return {
        "truth": case.title,
        "formula": finding.formula,
        "right": error is None or not case.is_false(error),
        "error": error if error is not None and math.isfinite(error) else None,
        "seconds": seconds,
    }


def _find(inputs: np.ndarray, target: np.ndarray, columns: Any, seconds: float = math.inf) -> tuple[Any, float]:
    torch.set_num_threads(1)
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


if __name__ == "__main__":
    main()
