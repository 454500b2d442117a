"""``python -m benchmarks.triton``: NVIDIA's server beside the service, on the same model repository.

Triton's core comes from PyPI, with a backend for Python and none for ONNX; a stand-in that runs ONNX Runtime takes its
place. The first run installs it, about 500 MB, into an environment of its own; everything runs on the loopback.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.environments import default_home
from benchmarks.serving.servers import ROOT
from benchmarks.triton.bucket import VARIABLES, bucket
from benchmarks.triton.clients import Clients, rows
from benchmarks.triton.cost import measure
from benchmarks.triton.environment import Installation, install
from benchmarks.triton.page import Results, page
from benchmarks.triton.polling import poll
from benchmarks.triton.repository import MOST_ROWS, Compared, compare_repository
from benchmarks.triton.servers import service, triton

RESULTS = Path("docs/results/triton.md")
REPOSITORY = ROOT / "repository"
LARGEST = 1e-6
"""Difference that is none: of outputs in single precision."""


def main() -> int:
    """Compare and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.triton", description=__doc__)
    parser.add_argument("--home", type=Path, default=default_home(), help="folder of the environment")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}")
    options = parser.parse_args()
    results = Results()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        installation = install(options.home, work)
        for compare in (compare_folder, compare_bucket, compare_polling):
            print(compare.__doc__, flush=True)
            compare(installation, work, results)
    text = page(results)
    print(text)
    if options.write:
        (ROOT / RESULTS).write_text(text, encoding="utf-8")
        print(f"written  {RESULTS}")
    compared = [*results.folder, *results.bucket, *results.polled]
    return int(any(map(_differs, compared)) or any(step.failed for step in results.steps))


def _differs(model: Compared) -> bool:
    return bool(model.metadata) or any(each.largest > LARGEST for each in model.answers.values())


def compare_folder(installation: Installation, work: Path, results: Results) -> None:
    """The committed models as they lie there, the versions and limits of both, and what a request costs."""
    with (
        service(REPOSITORY, work / "service.log") as own,
        triton(installation, str(REPOSITORY), {}, work / "triton.log") as other,
    ):
        ours, theirs = Clients(own), Clients(other)
        results.version = theirs.server_version()
        results.same_index = ours.ready_versions() == theirs.ready_versions()
        results.folder = compare_repository(REPOSITORY, ours, theirs)
        results.config = theirs.config("multiply")
        results.too_many = theirs.refuses("multiply", rows(*[[3, 4]] * (MOST_ROWS + 1)))
        results.costs = measure([own, other])


def compare_bucket(installation: Installation, work: Path, results: Results) -> None:
    """The same models in S3, for Triton."""
    with (
        service(REPOSITORY, work / "service.log") as own,
        bucket(REPOSITORY, installation.python, work / "moto.log") as address,
        triton(installation, address, VARIABLES, work / "triton-s3.log") as other,
    ):
        results.bucket = compare_repository(REPOSITORY, Clients(own), Clients(other))


def compare_polling(installation: Installation, work: Path, results: Results) -> None:
    """A repository that changes, and at its end what was written to it."""
    repository = work / "repository"
    shutil.copytree(REPOSITORY / "multiply", repository / "multiply")
    with (
        service(repository, work / "service.log") as own,
        triton(installation, str(repository), {}, work / "triton-poll.log") as other,
    ):
        ours, theirs = Clients(own), Clients(other)
        for step in poll(repository, work, ours, theirs):
            print(step.line(), flush=True)
            results.steps.append(step)
        results.polled = compare_repository(repository, ours, theirs)


if __name__ == "__main__":
    sys.exit(main())
