"""python -m benchmarks.overload: goodput of the service when more requests come than it can answer.

Needs Linux and two processor cores, one for the server and one for the clients. Three rounds take twelve minutes.
``--write`` saves the results.
"""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.overload.deadlines import SETTINGS, longest_waits
from benchmarks.overload.measure import BASELINE_FACTOR, FACTORS, KINDS, cases, measured
from benchmarks.overload.report import longest_wait, plot, ratios, render
from benchmarks.serving.servers import Server, cores, raise_file_limit, serving

RESULTS = Path("docs/results")
ROUNDS, SECONDS = 3, 2.0


def main() -> None:
    """Measure, print, and save the results with --write."""
    options = _parser().parse_args()
    if options.write and options.quick:
        raise SystemExit("--write saves whole runs only; leave out --quick.")
    raise_file_limit()
    origin = (
        f"`{' '.join(['python -m benchmarks.overload', *sys.argv[1:]])}` measured this on {time.strftime('%Y-%m-%d')}"
    )
    origin += f", Python {platform.python_version()}, {len(cores())} cores"
    number, seconds = (1, 1.0) if options.quick else (ROUNDS, SECONDS)
    results = {"origin": origin, "rounds": number, "seconds": seconds, "cases": measure(number, seconds)}
    text = render(results)
    if options.write:
        (RESULTS / "overload.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "overload.md").write_text(text, encoding="utf-8")
        plot(RESULTS / "overload.png", results)
    print(f"\n{text}")


def measure(number: int, seconds: float) -> list[dict[str, Any]]:
    """All cases, in rounds, so that a slow phase of the machine slows all of them."""
    found = cores()
    os.sched_setaffinity(0, found[-1:])  # this process is the client
    with serving("service", found[:1]) as service, serving("baseline", found[:1]) as baseline:
        measured_cases = [_case(service, kind, keep, FACTORS) for kind, keep in cases()]
        measured_cases += [_case(baseline, kind, True, (BASELINE_FACTOR,)) for kind in KINDS]
        for _ in range(number):
            for case in measured_cases:
                _add_round(case, seconds)
    with serving("service", found[:1], **SETTINGS) as strict:
        for turn in range(number):
            for case in measured_cases[: -len(KINDS)]:
                _add_waits(case, strict, turn, seconds)
    return [{name: value for name, value in case.items() if name != "of"} for case in measured_cases]


def _case(server: Server, kind: str, keep: bool, factors: tuple[float, ...]) -> dict[str, Any]:
    return {"server": server.name, "kind": kind, "keep": keep, "rounds": [], "of": (server, factors)}


def _add_round(case: dict[str, Any], seconds: float) -> None:
    server, factors = case["of"]
    seen = measured(server, case["kind"], keep=case["keep"], factors=factors, seconds=seconds)
    case["rounds"].append(seen)
    shares = [f"x{factor}: {ratios([seen], factor)[0]:.2f}" for factor in seen["overload"]]
    print(server.name, case["kind"], "kept" if case["keep"] else "new", *shares, sep="  ", flush=True)


def _add_waits(case: dict[str, Any], server: Server, turn: int, seconds: float) -> None:
    seen = case["rounds"][turn]
    waits = longest_waits(server, case["kind"], seen["peak"]["goodput"], keep=case["keep"], seconds=seconds)
    seen["deadline"] = waits
    longest = [f"x{factor}: {longest_wait(answers)} s" for factor, answers in waits.items()]
    print("longest wait", case["kind"], "kept" if case["keep"] else "new", *longest, sep="  ", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help=f"one round of a second (default: {ROUNDS} of {SECONDS:g})"
    )
    parser.add_argument("--write", action="store_true", help=f"write overload.json, .md and .png to {RESULTS}")
    return parser


if __name__ == "__main__":
    main()
