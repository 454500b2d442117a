"""python -m benchmarks.laws.wide: laws of a few among thousands of columns; ``--write`` keeps the results."""

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch

from models.arrays import FloatArray
from training.metrics import predict
from training.symbolic import find_law

RESULTS = Path("docs/results")
RIGHT = 1e-6
ROWS = 300
LAWS: dict[str, Callable[..., FloatArray]] = {
    "2*a*b": lambda a, b, *_: 2 * a * b,
    "3*a/b": lambda a, b, *_: 3 * a / b,
    "a*b**2": lambda a, b, *_: a * b**2,
    "2*a - 3*b + 1": lambda a, b, *_: 2 * a - 3 * b + 1,
    "a**2 + b**2": lambda a, b, *_: a**2 + b**2,
    "a*b + c": lambda a, b, c, *_: a * b + c,
    "a*b + 2*c*d": lambda a, b, c, d: a * b + 2 * c * d,
    "100*a + b*c/10": lambda a, b, c, *_: 100 * a + b * c / 10,
    "a/(b + c)": lambda a, b, c, *_: a / (b + c),
    "(a + b)*c": lambda a, b, c, *_: (a + b) * c,
    "(a + b)/(c + d)": lambda a, b, c, d: (a + b) / (c + d),
    "a*b*c/d": lambda a, b, c, d: a * b * c / d,
    "(a*b + c)/d": lambda a, b, c, d: (a * b + c) / d,
    "a/(b + c) + d": lambda a, b, c, d: a / (b + c) + d,
}
NOISE = "none, the target is noise"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.laws.wide", description=__doc__)
    parser.add_argument("--columns", type=int, default=2000, help="columns of each table (default: 2000)")
    parser.add_argument("--seconds", type=float, default=120, help="limit of each search (default: 120)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}/wide.json and wide.md")
    options = parser.parse_args()
    results = []
    for result in measure(options.columns, options.seconds):
        results.append(result)
        print(_line(result), flush=True)
    if options.write:
        write(RESULTS, options.columns, results)


def measure(columns: int, seconds: float) -> Iterator[dict[str, Any]]:
    """One table of each law and sign, and of noise."""
    torch.set_num_threads(1)
    for number, (low, high) in enumerate(((1, 9), (-5, 5))):
        random = np.random.default_rng([2026, number])
        for name, law in {**LAWS, NOISE: None}.items():
            inputs, places = random.uniform(low, high, (ROWS, columns)), random.choice(columns, 4, replace=False)
            target = random.normal(size=ROWS) if law is None else law(*inputs[:, places].T)
            cpu, wall = process_time(), perf_counter()
            found = find_law(inputs, target[:, None], seconds=seconds)
            cpu, wall = process_time() - cpu, perf_counter() - wall
            right = found.formula is None if law is None else _right(found.network, law, 10 * inputs, places)
            yield {
                "truth": name,
                "sign": "positive" if low > 0 else "both signs",
                "claimed": found.formula is not None,
                "right": right,
                "cpu_seconds": round(cpu, 1),
                "seconds": round(wall, 1),
                "reason": found.reason,
            }


def _right(network: torch.nn.Module, law: Callable[..., FloatArray], inputs: FloatArray, places: Any) -> bool:
    truth = law(*inputs[:, places].T)
    return bool(np.max(np.abs(predict(network, inputs)[:, 0] / truth - 1)) < RIGHT)


def _line(result: dict[str, Any]) -> str:
    mark = "right" if result["right"] else "WRONG" if result["claimed"] else "none"
    return f"{mark:5} {result['cpu_seconds']:6.1f} s of CPU   {result['truth']} ({result['sign']})"


def write(folder: Path, columns: int, results: list[dict[str, Any]]) -> None:
    """Put the results into ``wide.json`` and ``wide.md``."""
    machine = f"one core of {platform.machine()} with {os.cpu_count()}, Python {platform.python_version()}"
    kept = {"columns": columns, "rows": ROWS, "machine": machine, "results": results}
    (folder / "wide.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    (folder / "wide.md").write_text(_markdown(kept), encoding="utf-8")


def _markdown(kept: dict[str, Any]) -> str:
    lines = [
        "# Laws of a few among many columns\n",
        f"`python -m benchmarks.laws.wide --write` measures this: {kept['rows']} rows, {kept['columns']:,} columns of "
        f"which at most four matter, one table a law and sign. A law is right if its largest relative error on rows "
        f"ten times as large is below {RIGHT:g}. Seconds of CPU on {kept['machine']}.\n",
        "| Law | Positive columns | Seconds | Columns of both signs | Seconds |",
        "| --- | --- | --- | --- | --- |",
    ]
    by_truth: dict[str, list[dict[str, Any]]] = {}
    for result in kept["results"]:
        by_truth.setdefault(result["truth"], []).append(result)
    for truth, pair in by_truth.items():
        cells = " | ".join(f"{_verdict(result)} | {result['cpu_seconds']:.1f}" for result in pair)
        lines.append(f"| `{truth}` | {cells} |" if truth != NOISE else f"| {truth} | {cells} |")
    return "\n".join(lines) + "\n"


def _verdict(result: dict[str, Any]) -> str:
    if result["right"]:
        return "found" if result["claimed"] else "none claimed"
    return "**wrong**" if result["claimed"] else "not found"


if __name__ == "__main__":
    main()
