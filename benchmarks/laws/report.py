"""Lines, summaries and files of the results."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.metrics import wilson_interval

LIMITS = {
    "products": 20,
    "noisy": 20,
    "sums": 300,
    "quotients": 300,
    "hard-quotients": 300,
    "exponentials": 300,
    "waves": 300,
    "roots": 300,
    "power-unary": 300,
    "small-20": 60,
    "small-40": 60,
    "small-80": 60,
    "noisy-products": 300,
    "noisy-sums": 300,
    "noisy-quotients": 300,
    "tables": 300,
    "lawless": 300,
}
"""Seconds that one search may take on one core, by kind."""
TITLES = {
    "products": "Products of powers with a constant, no noise",
    "noisy": "The same with 3 % noise: exponents and sign",
    "sums": "Sums of two or three such terms, no noise",
    "quotients": "Quotients of sums, no noise",
    "hard-quotients": "Hard quotients in five to nine columns, of which some do not matter, no noise",
    "exponentials": "Exponentials and logarithms in five to eight columns, of which some do not matter, no noise",
    "waves": "Waves, in such columns",
    "roots": "Roots and powers of sums, in such columns",
    "power-unary": "A power law times a function of a product or a short sum, in such columns",
    "small-20": "Short laws with 1 % noise in 20 rows: their form",
    "small-40": "Short laws with 1 % noise in 40 rows: their form",
    "small-80": "Short laws with 1 % noise in 80 rows: their form",
    "noisy-products": "Products of powers with 1 % noise: exponents and sign",
    "noisy-sums": "Sums of such products with 1 % noise: their form",
    "noisy-quotients": "Quotients with 1 % noise: their form",
    "tables": "Tables without an arithmetic law: none claimed",
    "lawless": "Tables without a law: no claim that is off by 0.1 %, or ten times the noise, beyond the range",
}

Results = Sequence[dict[str, Any]]


def line(result: dict[str, Any]) -> str:
    """One law: whether it was found, the time, the truth, and the reported formula."""
    mark = "right" if result["right"] else "WRONG"
    error = "" if result.get("error") is None else f"   off by {result['error']:.0e}"
    return f"{mark} {result['seconds']:6.1f} s   {result['truth']}   ->   {result['formula']}{error}"


def summary(kind: str, results: Results) -> str:
    """How many are right, with a 95 % interval, and how long they took."""
    right = sum(result["right"] for result in results)
    low, high = wilson_interval(right, len(results))
    seconds = sorted(result["seconds"] for result in results)
    late = sum(value > LIMITS[kind] for value in seconds)
    return (
        f"{kind}: {right} of {len(results)} ({low:.0%} to {high:.0%}), median {seconds[len(seconds) // 2]:.1f} s, "
        f"slowest {seconds[-1]:.1f} s, {late} over {LIMITS[kind]} s"
    )


def write(folder: Path, kind: str, seed: int, results: Results) -> None:
    """Put the results of one kind into ``laws.json`` and ``laws.md``; those of other kinds stay."""
    path = folder / "laws.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    machine = f"one core of {platform.machine()} with {os.cpu_count()}, Python {platform.python_version()}"
    kept[kind] = {"seed": seed, "machine": machine, "clock": "processor", "results": list(results)}
    ordered = {name: kept[name] for name in LIMITS if name in kept}
    path.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    (folder / "laws.md").write_text(_markdown(ordered), encoding="utf-8")


def _markdown(kinds: dict[str, Any]) -> str:
    parts = [
        "# Laws found in random tables\n\n`python -m benchmarks.laws --write` measures this. 1,000 rows and five "
        "columns a law, some positive, some of both signs. A formula is right if its largest relative error on 1,000 "
        "points beyond the table's range, up to ten times as far, is below 1e-6.\n",
        "| | Right | 95 % interval | Median seconds | Slowest | Seed |\n| --- | --- | --- | --- | --- | --- |",
        *(_row(kind, entry) for kind, entry in kinds.items()),
    ]
    for kind, entry in kinds.items():
        seconds = "Seconds of the processor" if "clock" in entry else "Seconds"  # else of the wall clock
        parts.append(f"\n## {TITLES[kind]}\n\n{seconds} on {entry['machine']}.{_rivals(entry['results'])}\n")
        parts.append("| | Truth | Found | Seconds |")
        parts.append("| --- | --- | --- | --- |")
        for result in entry["results"]:
            found = f"`{result['formula']}`" if result["formula"] else "none"
            mark = "right" if result["right"] else "**wrong**"
            parts.append(f"| {mark} | `{result['truth']}` | {found} | {result['seconds']:.1f} |")
    return "\n".join(parts) + "\n"


def _rivals(results: Results) -> str:
    """How many tables end with rivals, and how many of those are unfounded; empty where that is not counted."""
    if not all("rivals" in result for result in results):
        return ""
    reported = [result for result in results if result["rivals"]]
    if not reported:
        return " None of them ends with rivals."
    unfounded = sum(not result["founded"] for result in reported)
    return (
        f" {len(reported)} of {len(results)} end with rivals, of which none is claimed. {unfounded} of those tables "
        "have unfounded ones: a formula is off from the truth on the rows by more than the noise and 0.1 %, or does "
        "not part from the first where it is said to."
    )


def _row(kind: str, entry: dict[str, Any]) -> str:
    results = entry["results"]
    right, seconds = sum(r["right"] for r in results), sorted(r["seconds"] for r in results)
    low, high = wilson_interval(right, len(results))
    times = f"{seconds[len(seconds) // 2]:.1f} | {seconds[-1]:.1f}"
    return f"| {TITLES[kind]} | {right} of {len(results)} | {low:.0%} to {high:.0%} | {times} | {entry['seed']} |"
