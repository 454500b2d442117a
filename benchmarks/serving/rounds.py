"""The measurements, in rounds of all servers, so that a slow phase of the machine slows all of them."""

import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.serving.http_client import post
from benchmarks.serving.load import LoadError, run_wrk, write_script
from benchmarks.serving.overload import FACTOR, Outcome, overload
from benchmarks.serving.scenarios import SCENARIOS, headline
from benchmarks.serving.servers import Server, ask, serving

WORKERS_SCENARIOS = ("rows", "png", "row")
OVERLOAD_SCENARIOS = ("row", "png", "jpeg")
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
    """One worker on one core against two on two; wrk has to share those two where there is no third.

    There, one worker is measured a second time, with wrk on its own core, to compare at equal cores per process.

    Raises:
        SystemExit: an answer was not 2xx, or did not come.
    """
    two = cores[:2]
    results: dict[str, Any] = {"shared": len(cores) == 2, "scenarios": {}}
    with serving("service", two[:1]) as one_worker, serving("service", two, workers=2) as two_workers:
        _wait_for_workers(two_workers)
        asked = {"one": (one_worker, cores[-1:]), "two": (two_workers, cores[2:] or two)}
        if results["shared"]:
            asked["one, with wrk"] = (one_worker, two[:1])
        for name in WORKERS_SCENARIOS:
            runs: Runs = {key: [] for key in asked}
            with tempfile.TemporaryDirectory() as folder:
                script = write_script(Path(folder), SCENARIOS[name].body())
                for server, load in asked.values():
                    _wrk(name, server, script, WARM_SECONDS, load)
                for _ in range(rounds):
                    for key, (server, load) in asked.items():
                        runs[key].append(_wrk(name, server, script, seconds, load))
                    _report(
                        f"{name}, workers", {key: headline(SCENARIOS[name], seen[-1]) for key, seen in runs.items()}
                    )
            results["scenarios"][name] = runs
    return results


def overloaded(servers: Sequence[Server], rounds: int, seconds: float, load_cores: Sequence[int]) -> dict[str, Runs]:
    """Goodput at three times the peak, by scenario and server.

    Raises:
        SystemExit: an answer of the peak's run was not 2xx, or did not come; or one under overload was neither 200 nor
            503 with Retry-After.
    """
    results: dict[str, Runs] = {}
    for name in OVERLOAD_SCENARIOS:
        runs: Runs = {server.name: [] for server in servers}
        body = SCENARIOS[name].body()
        with tempfile.TemporaryDirectory() as folder:
            script = write_script(Path(folder), body)
            for _ in range(rounds):
                for server in servers:
                    peak = _wrk(name, server, script, seconds, load_cores)["rate"]
                    outcome = overload(server.port, post(body), FACTOR * peak, seconds)
                    runs[server.name].append({"peak": peak, **_sound(name, server, outcome).as_dict()})
                    settle(server)
                _report(
                    f"{name}, overload", {key: seen[-1]["goodput"] / seen[-1]["peak"] for key, seen in runs.items()}
                )
        results[name] = runs
    return results


def _wrk(name: str, server: Server, script: Path, seconds: float, load_cores: Sequence[int]) -> dict[str, float]:
    try:
        return run_wrk(script, server, SCENARIOS[name].connections, seconds, load_cores).as_dict()
    except LoadError as error:
        raise LoadFailedError(f"Scenario '{name}' on the {server.name}: {error}") from error


def _sound(name: str, server: Server, outcome: Outcome) -> Outcome:
    strange = {status: count for status, count in outcome.statuses.items() if status not in (200, 503)}
    if strange or outcome.silent_refusals:
        raise SystemExit(
            f"Scenario '{name}' on the {server.name}, overloaded: answers by status {strange or 'as they should be'}, "
            f"{outcome.silent_refusals} refusals without Retry-After."
        )
    return outcome


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


def settle(server: Server, seconds: float = 60) -> None:
    """Wait until the server has worked off the requests of clients that have left."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        try:
            status, _ = ask(server.port, SCENARIOS["row"].body(), timeout=10)
        except OSError:
            continue
        if status == 200 and time.monotonic() - begun < 0.1:
            return
    raise SystemExit(f"The {server.name} has not recovered from overload within {seconds:.0f} seconds.")


def _report(title: str, numbers: dict[str, float]) -> None:
    print(f"{title:16}", *(f"{name} {number:,.3g}" for name, number in numbers.items()), sep="  ", flush=True)
