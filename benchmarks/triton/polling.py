"""Changes of a repository that both servers poll: what each serves after them, and how soon."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.serving.servers import ROOT
from benchmarks.triton.clients import Clients, Refused
from benchmarks.triton.graphs import linear, mixed
from benchmarks.triton.servers import POLL_SECONDS, seconds_until
from training.export.version_folder import staging

WAIT_SECONDS = 60.0
COLUMNS = ("a", "b", "c")
WEIGHTS = ([1.0, -2.0, 0.5], [3.0, 0.25, -4.0])
"""Of the two versions of a model: no answer of one is that of the other."""
ROW = np.array([[2.0, 3.0, 4.0]])


@dataclass(frozen=True)
class Step:
    """A change, and the seconds until each server serves what is expected; None: it does not."""

    what: str
    ours: float | None
    theirs: float | None

    @property
    def failed(self) -> bool:
        """Whether a server has missed it."""
        return self.ours is None or self.theirs is None

    def row(self) -> str:
        """Of the table; how soon it is depends on the machine."""
        ours, theirs = ("no" if seconds is None else "yes" for seconds in (self.ours, self.theirs))
        return f"| {self.what} | {ours} | {theirs} |"

    def line(self) -> str:
        """For who waits."""
        seconds = ("no" if each is None else f"{each:.1f} s" for each in (self.ours, self.theirs))
        return f"{self.what}: {', '.join(seconds)}"


def poll(repository: Path, work: Path, ours: Clients, theirs: Clients) -> Iterator[Step]:
    """Change the repository step by step; what was written stays for further comparisons.

    Args:
        repository: with the model ``multiply``, served by both.
        work: for files, on the same disk.
        ours: clients of the service.
        theirs: of Triton.
    """

    def step(what: str, holds: Callable[[Clients], bool]) -> Step:
        started = time.monotonic()
        seconds = {}
        for clients in (ours, theirs):
            if seconds_until(lambda: holds(clients), WAIT_SECONDS) is not None:  # noqa: B023 - asked before the next
                seconds[clients] = time.monotonic() - started
        return Step(what, seconds.get(ours), seconds.get(theirs))

    for version, weights in enumerate(WEIGHTS, 1):
        linear(work / "linear.onnx", weights)
        _train("import", work / "linear.onnx", "--name", "linear", "--columns", *COLUMNS, "--repository", repository)
        what = "`training import` writes a model" if version == 1 else "it writes version 2"
        yield step(what, lambda clients: answers(clients, weights))  # noqa: B023
    mixed(work / "mixed.onnx")
    _train("import", work / "mixed.onnx", "--name", "mixed", "--repository", repository)
    yield step("`training import` writes a model with text", lambda clients: serves(clients, "mixed", {"1"}))
    fit(repository, work)
    yield step("`training fit` writes a law", lambda clients: serves(clients, "fitted", {"1"}))
    with staging(repository) as folder:
        shutil.copy(repository / "multiply" / "1" / "model.onnx", folder)
        time.sleep(3 * POLL_SECONDS)
        yield step("a model is being written: still ready", is_ready)
    yield step("its writing has been given up: still ready", is_ready)
    _remove(repository / "linear" / "2", work)
    yield step("version 2 is removed: version 1 is served", lambda clients: answers(clients, WEIGHTS[0]))
    _remove(repository / "multiply", work)
    yield step("a model is removed: it is not served", lambda clients: serves(clients, "multiply", set()))
    yield step("after all this: ready", is_ready)


def is_ready(clients: Clients) -> bool:
    """Whether the server's probe says so."""
    return clients.server.is_ready()


def answers(clients: Clients, weights: list[float]) -> bool:
    """Whether the version with these weights answers by default."""
    try:
        (found,) = clients.infer("HTTP", "linear", {"x": ROW}).values()
    except Refused:
        return False
    return bool(found == ROW @ np.array(weights))


def serves(clients: Clients, name: str, versions: set[str]) -> bool:
    """Whether these versions of a model are ready."""
    return clients.ready_versions().get(name, set()) == versions


def fit(repository: Path, work: Path) -> None:
    """Fit a law whose folder holds further files: a second graph, for intervals, and curves."""
    table = work / "table.csv"
    random = np.random.default_rng(0)
    rows = random.uniform(1, 5, (200, 2))
    target = 3 * rows[:, 0] * rows[:, 1] * (1 + 0.001 * random.normal(size=200))
    np.savetxt(table, np.column_stack([rows, target]), delimiter=",", header="a,b,y", comments="")
    _train(
        "fit",
        table,
        "--target",
        "y",
        "--name",
        "fitted",
        "--repository",
        repository,
        "--plots",
        work,
        "--seconds",
        "30",
    )


def _train(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _remove(folder: Path, work: Path) -> None:
    """Take it away by one rename."""
    gone = folder.rename(work / f"gone-{folder.name}")
    shutil.rmtree(gone)
