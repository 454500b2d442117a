"""The measurements, in rounds of all servers, so that a slow phase of the machine slows all of them."""

import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.serving.load import LoadError, run_wrk, write_script
from benchmarks.serving.scenarios import SCENARIOS, headline
from benchmarks.serving.servers import Server, serving

WORKERS_SCENARIOS = ("rows", "png", "jpeg", "row")
WARM_SECONDS = 1


class LoadFailedError(SystemExit):
    """A server did not answer as it should; the message says which, and to what."""


Runs = dict[str, list[dict[str, float]]]
"""What was seen, by server, one entry a round."""


def closed_loop(
    name: str, servers: Sequence[Server], rounds: int, seconds: float, load_cores: Sequence[int], failed: dict[str, str]
) -> Runs:
    """A scenario, on all servers in turn.

    Args:
        name: of the scenario.
        servers: that are compared.
        rounds: after one that warms them up.
        seconds: of a server in a round.
        load_cores: the cores that make the load.
        failed: takes in which scenario a peer failed, and why; it has no runs of that.

    Raises:
        SystemExit: an answer of another server was not 2xx, or did not come.
    """
    runs: Runs = {server.name: [] for server in servers}
    with tempfile.TemporaryDirectory() as folder:
        script = write_script(Path(folder), SCENARIOS[name].body())
        for turn in range(rounds + 1):
            for server in (server for server in servers if server.name in runs):
                try:
                    seen = _wrk(name, server, script, seconds if turn else WARM_SECONDS, load_cores)
                except LoadFailedError as error:
                    if not server.is_peer:
                        raise
                    del runs[server.name]
                    failed[f"{server.name}, {SCENARIOS[name].title}"] = str(error)
                    print(f"left out: {error}", flush=True)
                else:
                    runs[server.name] += [seen] if turn else []
            if turn:
                _report(f"{name}, CPU us", {key: seen[-1]["cpu_us"] for key, seen in runs.items()})
    return runs


def workers(rounds: int, seconds: float, cores: Sequence[int]) -> dict[str, Any]:
    """One worker on one core against two on two, with as many connections for each worker.

    Where there is no third core, wrk has to share those two. So one worker shares its core with wrk, to compare at
    equal cores; and is measured again with wrk on the other core.

    Raises:
        SystemExit: an answer was not 2xx, or did not come.
    """
    two = cores[:2]
    results: dict[str, Any] = {"shared": len(cores) == 2, "connections": "each worker", "scenarios": {}}
    with serving("service", two[:1]) as one_worker, serving("service", two, workers=2) as two_workers:
        _wait_for_workers(two_workers)
        asked = {"two": (two_workers, cores[2:] or two, 2)}
        if results["shared"]:
            asked["one, with wrk"] = (one_worker, two[:1], 1)
        asked["one"] = (one_worker, cores[-1:], 1)
        for name in WORKERS_SCENARIOS:
            runs: Runs = {key: [] for key in asked}
            with tempfile.TemporaryDirectory() as folder:
                script = write_script(Path(folder), SCENARIOS[name].body())
                for server, load, times in asked.values():
                    _wrk(name, server, script, WARM_SECONDS, load, times)
                for _ in range(rounds):
                    for key, (server, load, times) in asked.items():
                        runs[key].append(_wrk(name, server, script, seconds, load, times))
                    _report(
                        f"{name}, workers", {key: headline(SCENARIOS[name], seen[-1]) for key, seen in runs.items()}
                    )
            results["scenarios"][name] = runs
    return results


def _wrk(
    name: str, server: Server, script: Path, seconds: float, load_cores: Sequence[int], times: int = 1
) -> dict[str, float]:
    try:
        return run_wrk(script, server, times * SCENARIOS[name].connections, seconds, load_cores).as_dict()
    except LoadError as error:
        raise LoadFailedError(f"Scenario '{name}' on the {server.name}: {error}") from error


def _wait_for_workers(server: Server, tries: int = 50) -> None:
    """Several workers start one after the other; return when a row of answers finds all of them ready."""
    right = 0
    while right < tries:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health/ready", timeout=10) as answer:
                right = right + 1 if answer.status == 200 else 0
        except OSError:  # not listening, or 503
            right = 0
        time.sleep(0.02)


def _report(title: str, numbers: dict[str, float]) -> None:
    print(f"{title:16}", *(f"{name} {number:,.3g}" for name, number in numbers.items()), sep="  ", flush=True)
