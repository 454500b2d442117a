"""``python -m benchmarks.object_store``: a service on an S3 bucket that fails in every way, under load.

moto, the S3, has an environment of its own, which the first run installs; a proxy stands before it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.environments import InstallError, default_home
from benchmarks.object_store import report
from benchmarks.object_store.failures import failures, notices
from benchmarks.object_store.load import Load
from benchmarks.object_store.moto import ADDRESS, Moto
from benchmarks.object_store.proxy import Proxy
from benchmarks.object_store.requests import answers, bodies
from benchmarks.object_store.service import MODEL, readiness, serves, wait_until
from benchmarks.serving.servers import ROOT, serving

REPOSITORY = ROOT / "repository"
PUSHES = 5
SECONDS = 8.0
"""Of a failure, after it was noticed."""


@dataclass
class Setting:
    """Where everything is."""

    moto: Moto
    proxy: Proxy
    cache: Path
    poll_seconds: float
    workers: int

    @contextmanager
    def service(self, *, folder: bool = False) -> Iterator[tuple[int, float]]:
        """A service on the bucket, or on the folder: its port, and the seconds of its start."""
        settings = {
            "NALU_REPOSITORY": str(REPOSITORY) if folder else ADDRESS,
            "NALU_REPOSITORY_CACHE": str(self.cache),
            "NALU_REPOSITORY_POLL_SECONDS": f"{self.poll_seconds:g}",
            "NALU_MAX_QUEUE_DELAY_SECONDS": "10",  # moto and the clients take the same processor
            "NALU_LOG_LEVEL": "error" if folder else os.environ.get("NALU_LOG_LEVEL", "error"),
            **self.moto.environment(self.proxy.port),
        }
        started = time.monotonic()
        with serving("service", sorted(os.sched_getaffinity(0)), self.workers, **settings) as server:
            wait_until(lambda: readiness(server.port)["ready"], "all workers are ready")
            yield server.port, time.monotonic() - started


def main() -> None:
    """Run it; ends with exit code 1 where an answer was an error or wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.object_store", description=__doc__)
    parser.add_argument("--home", type=Path, default=default_home(), help="folder of moto's environment")
    parser.add_argument("--workers", type=int, default=2, help="processes of the service (default: 2)")
    parser.add_argument("--poll", type=float, default=2.0, help="seconds between two looks (default: 2)")
    parser.add_argument("--write", action="store_true", help=f"write {report.PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    try:
        moto = Moto(options.home)
    except InstallError as error:
        raise SystemExit(str(error)) from error
    with tempfile.TemporaryDirectory() as cache:
        setting = Setting(moto, Proxy(moto.port), Path(cache), options.poll, options.workers)
        try:
            results = run(setting)
        finally:
            moto.kill()
    print(report.text(results))
    if options.write:
        report.PAGE.write_text(report.page(results), encoding="utf-8")
        print(f"written  {report.PAGE}")
    if results["bad"]:
        sys.exit(f"An answer was an error or wrong, or not noticed: {results['bad']}")


def run(setting: Setting) -> dict[str, Any]:
    """All rounds."""
    results: dict[str, Any] = {"poll": setting.poll_seconds, "workers": setting.workers, "rounds": [], "bad": []}
    with setting.service(folder=True) as (port, seconds):
        expected = answers(port, REPOSITORY)
        results["folder_start"] = seconds
    setting.moto.start()
    setting.moto.upload(REPOSITORY)
    with setting.service() as (port, seconds):
        results["bucket_start"] = seconds
        compare(results, "start from the bucket", answers(port, REPOSITORY), expected)
        load = Load(port, bodies(REPOSITORY), expected)
        with load.running():
            new_versions(setting, port, load, results)
            results["load"] = os.getloadavg()[1]
            fail(setting, port, load, results)
    setting.moto.kill()
    with setting.service() as (port, seconds):
        results["cache_start"] = seconds
        compare(results, "start from the cache", answers(port, REPOSITORY), expected)
        wait_until(lambda: notices(port, "cannot be listed"), "the service says that the store is gone")
    return results


def compare(results: dict[str, Any], what: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Record the models that are not answered byte for byte alike."""
    results["models"] = len(expected)
    results["bad"] += [f"{what}: {name}" for name in expected if found[name] != expected[name]]


def push(setting: Setting, name: str, *more: str) -> None:
    """Upload a model by the command."""
    command = [sys.executable, "-m", "training", "push", name, ADDRESS, "--repository", str(REPOSITORY), *more]
    environment = {**os.environ, **setting.moto.environment()}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


def new_versions(setting: Setting, port: int, load: Load, results: dict[str, Any]) -> None:
    """Push new versions under load, and take the seconds until they answer; then remove them."""
    first, all_workers = [], []
    for version in range(2, 2 + PUSHES):
        push(setting, MODEL, "--as", str(version))
        is_served = partial(serves, port, version)
        first.append(wait_until(is_served, f"version {version} is served", answers=1))
        all_workers.append(first[-1] + wait_until(is_served, f"version {version} is served"))
    for version in range(2, 2 + PUSHES):
        setting.moto.remove(f"{MODEL}/{version}")
    removed = wait_until(partial(serves, port, 1), "removed versions are not served")
    results |= {"first": sorted(first), "pushed": sorted(all_workers), "removed": removed}
    record(results, "new versions pushed and removed", load)


def fail(setting: Setting, port: int, load: Load, results: dict[str, Any]) -> None:
    """Let the store fail in every way, under load."""
    for failure in failures(setting.moto, setting.proxy, REPOSITORY):
        failure.begin()
        noticed = wait_until(lambda: notices(port, failure.noticed), failure.name)  # noqa: B023
        time.sleep(SECONDS)
        failure.end()
        recovered = wait_until(lambda: notices(port, ""), f"recovered from {failure.name}")
        record(results, failure.name, load, noticed=noticed if failure.noticed else None, recovered=recovered)


def record(results: dict[str, Any], name: str, load: Load, **more: float | None) -> None:
    """Add a line to the table."""
    seen = load.take_outcomes()
    counts = {"requests": seen.requests, "errors": seen.errors, "wrong": seen.wrong, "p99": seen.slowest_percent()}
    results["rounds"].append({"name": name, **counts, **more})
    if seen.errors or seen.wrong:
        results["bad"].append(f"{name}: {seen.first}")
        print(results["bad"][-1], flush=True)
    print(report.line(results["rounds"][-1]), flush=True)


if __name__ == "__main__":
    main()
