"""python -m benchmarks.serving: the service under load, compared with an echo server and a minimal one.

Needs Linux, the load generator wrk and two processor cores, one for the servers and one for the clients. ``--peers``
adds other servers, which the first run installs, each in an environment of its own. ``--write`` saves the results.
"""

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import startup
from benchmarks.environments import default_home
from benchmarks.serving import rounds
from benchmarks.serving.agreement import check
from benchmarks.serving.load import find_wrk
from benchmarks.serving.peers.catalogue import PEERS
from benchmarks.serving.peers.start import install, started
from benchmarks.serving.report import render
from benchmarks.serving.scenarios import SCENARIOS
from benchmarks.serving.servers import NAMES, cores, raise_file_limit, serving

RESULTS = Path("docs/results")
ROUNDS, SECONDS = 5, 2
ALL = "all"
PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "numpy", "onnxruntime", "pillow")
SECTIONS = (*SCENARIOS, "workers", "startup")


def main() -> None:
    """Measure, print, and save the results with --write."""
    options = _parser().parse_args()
    peers = list(PEERS) if ALL in options.peers else options.peers
    if options.write and (options.quick or options.only or peers != list(PEERS)):
        raise SystemExit("--write saves whole runs only; give --peers all, and leave out --quick and --only.")
    find_wrk()
    raise_file_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which ends the servers too
    installed, failed = install(peers, options.peers_home)
    plan = Plan(options.only or SECTIONS, *((1, 1) if options.quick else (ROUNDS, SECONDS)), installed)
    results = {**_origin(), **measure(plan, failed)}
    text = render(results)
    if options.write:
        (RESULTS / "serving.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "serving.md").write_text(text, encoding="utf-8")
    print(f"\n{text}")


@dataclass(frozen=True)
class Plan:
    """What is measured: the sections, in so many rounds of some seconds, beside peers."""

    sections: Sequence[str]
    rounds: int
    seconds: int
    peers: Mapping[str, Path]


def measure(plan: Plan, failed: dict[str, str]) -> dict[str, Any]:
    """Run the sections.

    Args:
        plan: what is measured.
        failed: peers that are left out, and why; takes those that fail.
    """
    found, number, seconds = cores(), plan.rounds, plan.seconds
    results: dict[str, Any] = {"rounds": number, "seconds": seconds, "scenarios": {}, "failed": failed}
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(name, found[:1])) for name in NAMES]
        service = servers[NAMES.index("service")]
        check(service, servers[NAMES.index("baseline")])
        check(service, servers[NAMES.index("async baseline")])
        with started(plan.peers, service, found[:1], failed) as peers:
            for name in (name for name in SCENARIOS if name in plan.sections):
                everyone = [*servers, *peers]
                results["scenarios"][name] = rounds.closed_loop(name, everyone, number, seconds, found[-1:], failed)
    if "workers" in plan.sections:
        results["workers"] = rounds.workers(number, seconds, found)
    if "startup" in plan.sections:
        startup.first_answer()  # fills the disk's and Python's caches
        starts = [startup.first_answer() for _ in range(min(number, startup.ROUNDS))]
        results["startup"] = {"seconds": [start[0] for start in starts], "megabytes": [start[1] for start in starts]}
    return results


def _origin() -> dict[str, Any]:
    """Where and when results come from."""
    machine = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
    words = ["python -m benchmarks.serving", *sys.argv[1:]]
    return {"command": " ".join(words), "date": time.strftime("%Y-%m-%d"), "machine": machine}


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"one round of a second (default: {ROUNDS} of {SECONDS})")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, metavar="NAME", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument(
        "--peers", nargs="+", choices=(*PEERS, ALL), default=[], metavar="NAME", help=f"of {', '.join(PEERS)}, or {ALL}"
    )
    parser.add_argument("--peers-home", type=Path, default=default_home(), help="folder of their environments")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}/serving.json and serving.md")
    return parser


if __name__ == "__main__":
    main()
