"""One tool on one table, in a process that is killed when its time is up, and whether its answer is right."""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.laws.peers.task import ANSWER, READY, Task
from models.arrays import FloatArray

ROOT = Path(__file__).parents[3]
START_SECONDS = 300.0
"""For imports, at most; they are not part of a tool's time."""
EXACT, CLOSE = 1e-5, 1e-3
"""Largest relative errors without noise of a law, and of one with constants in float32, in which pyoperon computes."""
POINTS = 0.95
"""Share of the points at which the relative error has to be below the bound."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Answer:
    """What a tool predicted at the points outside, ``(points,)``; None: nothing, and why, if it failed."""

    predicted: FloatArray | None
    formula: str | None
    seconds: float
    problem: str | None = None


def error_outside(predicted: FloatArray | None, truth: FloatArray) -> float:
    """The relative error that 95 % of the points stay below; infinite without predictions.

    Args:
        predicted: ``(points,)``.
        truth: values of the law, without noise, ``(points,)``.
    """
    if predicted is None or predicted.shape != truth.shape:
        return float("inf")
    with np.errstate(all="ignore"):
        errors = np.nan_to_num(np.abs(predicted - truth) / np.abs(truth), nan=np.inf)
    return float(np.quantile(errors, POINTS, method="higher"))


def is_solved(error: float, noise: float) -> bool:
    """Whether this error outside counts as the law: below the noise, or nearly 0 where there is none."""
    return error < max(noise, EXACT)


def run(python: Path, program: str, task: Task, seconds: float, core: int | None = None) -> Answer:
    """The answer of a program to a task; the last one it gave if it has to be killed.

    Args:
        python: of its environment.
        program: a module with ``solve``.
        task: its folder is replaced.
        seconds: from the end of the imports.
        core: that it has to run on; None: any.
    """
    with tempfile.TemporaryDirectory() as name, (Path(name) / "errors.txt").open("w+") as errors:
        folder = Path(name)
        Task(folder, task.inputs, task.target, task.outside, task.columns, task.noise, seconds).write()
        command = [str(python), "-m", "benchmarks.laws.peers.worker", program, name]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **dict.fromkeys(THREADS, "1")}
        with subprocess.Popen(
            command if core is None else [*command, str(core)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                took = _wait(process, seconds)
            finally:
                _kill(process)
        errors.seek(0)
        return _read(folder / ANSWER, took, process.returncode, errors.read())


def _wait(process: "subprocess.Popen[str]", seconds: float) -> float:
    """Wait until the process ends or its time is up; the seconds that it took from the end of its imports."""
    assert process.stdout is not None
    starting = threading.Timer(START_SECONDS, _kill, (process,))
    starting.start()
    is_ready = any(line.strip() == READY for line in process.stdout)
    starting.cancel()
    started = perf_counter()
    if is_ready:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=seconds)  # it reads what the tool prints, so that the pipe never fills
    return perf_counter() - started


def _kill(process: "subprocess.Popen[str]") -> None:
    """End the process with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(path: Path, seconds: float, code: int, errors: str) -> Answer:
    if path.exists():
        with np.load(path) as file:
            return Answer(file["predicted"], str(file["formula"]) or None, seconds)
    lines = errors.strip().splitlines()
    problem = None if code in (0, -signal.SIGKILL) else lines[-1] if lines else f"exit code {code}"
    return Answer(None, None, seconds, problem)
