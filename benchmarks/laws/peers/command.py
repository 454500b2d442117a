"""``python -m benchmarks.laws --peers``: its options, and what it does."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.environments import InstallError, default_home
from benchmarks.laws.cases import CASES
from benchmarks.laws.generate import NOISE
from benchmarks.laws.peers.measure import Plan, measure
from benchmarks.laws.peers.report import NAME, line, write
from benchmarks.laws.peers.tools import PEERS

SECONDS = 60.0
NOISES = (0.0, 0.01)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those of ``--peers``."""
    group = parser.add_argument_group("beside other tools")
    group.add_argument("--peers", action="store_true", help=f"the same tables for {', '.join(PEERS)}")
    group.add_argument("--peers-home", type=Path, default=default_home(), help="folder of their environments")
    group.add_argument("--tools", nargs="+", choices=PEERS, default=list(PEERS), metavar="TOOL", help="only these")
    group.add_argument("--seconds", type=float, default=SECONDS, help=f"of a tool on a table (default: {SECONDS:g})")
    group.add_argument("--noise", type=float, nargs="+", default=NOISES, help="relative, in turn (default: 0 0.01)")


def main(options: argparse.Namespace, results: Path) -> None:
    """Install the tools, measure and print; ``--write`` keeps the results.

    Raises:
        SystemExit: no tool is there, or the kind of table has no law.
    """
    kinds = [options.kind] if options.kind else list(CASES)
    if kinds[0] not in CASES:
        raise SystemExit(f"--peers needs tables with a law, not '{kinds[0]}'; choose --kind from {', '.join(CASES)}.")
    pythons, unavailable = installed(options.tools, options.peers_home)
    plan = Plan(pythons, options.seconds, options.seed, cores(options.jobs or 1))
    for kind in kinds:
        for noise in levels(kind, options.noise):
            print(f"\n{kind}, noise {noise:.1%}", flush=True)
            found = []
            for result in measure(plan, kind, noise, options.count):
                found.append(result)
                print(line(result), flush=True)
            entry = {"kind": kind, "noise": noise, "seed": options.seed, "seconds": options.seconds, "results": found}
            if options.write:
                write(results, entry, unavailable)
    if options.write:
        print(f"\nwritten  {results / NAME}.json and .md")


def levels(kind: str, noises: Sequence[float]) -> Sequence[float]:
    """The noise that tables of a kind are given in turn; one with noise of its own keeps that."""
    return [NOISE] if CASES[kind](np.random.default_rng(0)).noisy else noises


def installed(tools: Sequence[str], home: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """The Python of each tool, and why others are left out.

    Raises:
        SystemExit: all are left out.
    """
    pythons, unavailable = {}, {}
    for tool in tools:
        try:
            pythons[tool] = PEERS[tool].python(home)
        except InstallError as error:
            unavailable[tool] = str(error)
            print(f"left out: {error}", flush=True)
    if not pythons:
        raise SystemExit("No tool is left to measure; see above.")
    return pythons, unavailable


def cores(jobs: int) -> list[int | None]:
    """A core for each table at a time; None where cores cannot be chosen or are too few."""
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return [*available, *([None] * jobs)][:jobs]
