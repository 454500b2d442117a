"""python -m benchmarks.training_cluster: kill a worker amid a training; ``--write`` keeps the results.

Runs ``python -m training benchmark --quick`` here, then on two Dask workers and on two Ray nodes, one of them killed
in the middle of its group, and compares the records. Dask and Ray are installed into an environment of their own.
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment, InstallError, default_home
from benchmarks.serving.servers import stop
from benchmarks.training_cluster import clusters

RESULT = Path("docs/results/training-cluster.md")
PACKAGES = {"dask": "dask==2026.8.0", "distributed": "distributed==2026.8.0", "ray": "ray==2.60.0"}
REQUIREMENTS = ("--constraint", "constraints.txt", "--editable", ".[training]", *PACKAGES.values())
SHARE = 0.25
"""Of the processor time of the whole local run after which a worker is killed: in the middle of one of two groups."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_cluster", description=__doc__)
    parser.add_argument("--home", type=Path, default=default_home(), help="folder of the environment")
    parser.add_argument("--python", type=Path, help="Python of an environment with Dask and Ray, instead of a new one")
    parser.add_argument("--port", type=int, default=8786, help="of Dask's scheduler; Ray's is the next (default: 8786)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULT}")
    options = parser.parse_args()
    try:
        python = options.python or Environment("training-cluster", REQUIREMENTS).python(options.home)
    except InstallError as error:
        raise SystemExit(str(error)) from error
    rows = measure(python, options.port)
    text = page(rows)
    print(text)
    if options.write:
        RESULT.write_text(text, encoding="utf-8")


def measure(python: Path, port: int) -> list[dict[str, Any]]:
    """The local run and both clusters."""
    with tempfile.TemporaryDirectory(prefix="nalu-cluster-") as folder:
        local = run_local(python, Path(folder) / "local")
        print(json.dumps({key: value for key, value in local.items() if key != "records"}), flush=True)
        rows = [local]
        for name, start in (("two Dask workers", clusters.dask), ("two Ray nodes", clusters.ray)):
            out = Path(folder) / start.__name__
            row = run_on(name, start, python, port + (start is clusters.ray), out, SHARE * local["cpu_seconds"])
            row["equal"] = row["records"] == local["records"]
            print(json.dumps({key: value for key, value in row.items() if key != "records"}), flush=True)
            rows.append(row)
    return rows


def run_local(python: Path, out: Path) -> dict[str, Any]:
    """In one process."""
    before, begun = _children(), time.monotonic()
    subprocess.run(_command(python, out, "local"), env=clusters.environment(), check=True)
    return {
        "where": "one process",
        "records": _records(out),
        "seconds": time.monotonic() - begun,
        "cpu_seconds": _children() - before,
    }


def run_on(
    name: str,
    start: Callable[[Path, int], AbstractContextManager[clusters.Cluster]],
    python: Path,
    port: int,
    out: Path,
    kill_after: float,
) -> dict[str, Any]:
    """On a cluster, whose first worker is killed after so many seconds of its processor time."""
    with start(python, port) as cluster:
        idle, begun, lost = cluster.cpu_seconds(), time.monotonic(), None
        process = subprocess.Popen(_command(python, out, cluster.on), env=clusters.environment() | cluster.environment)
        try:
            while process.poll() is None:
                spent = cluster.cpu_seconds() - idle
                if lost is None and spent > kill_after:
                    lost = spent
                    cluster.kill()
                time.sleep(0.2)
        finally:
            stop(process)
        seconds = time.monotonic() - begun
    if process.returncode or lost is None:
        raise SystemExit(f"The run on {name} ended with code {process.returncode}; killed after {lost} s.")
    return {"where": name, "records": _records(out), "seconds": seconds, "lost": lost}


def _command(python: Path, out: Path, on: str) -> list[str]:
    return [str(python), "-m", "training", "benchmark", "--quick", "--out", str(out), "--on", on]


def _records(out: Path) -> list[dict[str, Any]]:
    """All fields of all records, in an order of their own: groups are saved as they complete."""
    found: list[dict[str, Any]] = json.loads((out / "arithmetic.json").read_text(encoding="utf-8"))["records"]
    return sorted(found, key=lambda record: json.dumps(record))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def page(rows: list[dict[str, Any]]) -> str:
    """The page of results."""
    lines = [
        "# Training on a cluster\n",
        "`python -m benchmarks.training_cluster --write` measures this: `python -m training benchmark --quick` in one "
        "process, on two Dask workers and on two Ray nodes of the same machine. The records of the two groups are "
        "compared field by field. A worker or node is killed by SIGKILL in the middle of its group; lost is the "
        "processor time that it had worked.\n",
        f"{', '.join(PACKAGES.values())}; {os.cpu_count()} cores, {datetime.now(UTC).date().isoformat()}. The machine "
        "does other work, and two workers of two cores show that nothing is lost, and not how it scales.\n",
        "| Where | Killed | Lost | Records | Equal to the local run's | Seconds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        killed = "none" if row.get("lost") is None else "one"
        lost = "" if row.get("lost") is None else f"{row['lost']:.0f} s"
        equal = {None: "", True: "all", False: "**no**"}[row.get("equal")]
        lines.append(f"| {row['where']} | {killed} | {lost} | {len(row['records'])} | {equal} | {row['seconds']:.0f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
