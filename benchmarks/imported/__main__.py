"""``python -m benchmarks.imported``: each kind of model is made, imported, served and compared.

The libraries have environments of their own, which the first run installs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environments import InstallError, default_home
from benchmarks.imported.ask import array, ask
from benchmarks.imported.cases import CASES, Case
from benchmarks.serving.servers import ROOT, free_port, stop

RESULTS = ROOT / "docs" / "results"
TOLERANCE = 1e-6
"""Largest difference of numbers, relative to the largest answer of that output."""


def main() -> None:
    """Run the cases; ends with exit code 1 where one differs from its library."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imported", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=[case.name for case in CASES], metavar="CASE", help="only these")
    parser.add_argument("--home", type=Path, default=default_home(), help="folder of the environments")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.relative_to(ROOT)}/imported.md")
    options = parser.parse_args()
    cases = [case for case in CASES if options.cases is None or case.name in options.cases]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        made = {case: _make(case, work, options.home) for case in cases}
        with _service(work / "repository") as port:
            results = [_compare(case, made[case], port, work) for case in cases]
    rows = [_row(result) for result in results]
    print("\n".join(rows))
    if options.write:
        (RESULTS / "imported.md").write_text(page(rows), encoding="utf-8")
        print(f"written  {RESULTS / 'imported.md'}")
    if any(result["difference"] > TOLERANCE or result["wrong"] for result in results):
        sys.exit("A model differs from its library by more than 1e-6, or in a label; see above.")


def _make(case: Case, work: Path, home: Path) -> dict[str, Any]:
    """Train, export and import a model."""
    folder = work / case.name
    folder.mkdir()
    try:
        python = case.library.python(home)
    except InstallError as error:
        raise SystemExit(str(error)) from error
    program = Path(__file__).parent / "programs" / f"{case.library.program}.py"
    subprocess.run([python, program, *case.arguments, folder], check=True, stdout=subprocess.DEVNULL)
    made: dict[str, Any] = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "training", "import", folder / "model.onnx", "--name", case.name]
    subprocess.run([*command, "--repository", work / "repository", *made["options"]], cwd=ROOT, check=True)
    return made


@contextmanager
def _service(repository: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "app", "--repository", str(repository), "--port", str(port)]
    settings = {"NALU_SHUTDOWN_GRACE_SECONDS": "0", "NALU_LOG_LEVEL": "warning"}
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings})
    try:
        _wait_until_ready(port)
        yield port
    finally:
        stop(process)


def _wait_until_ready(port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):  # not listening yet
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise SystemExit(f"The service was not ready within {seconds:.0f} seconds.")


def _compare(case: Case, made: dict[str, Any], port: int, work: Path) -> dict[str, Any]:
    """The largest difference of numbers with a fraction, and the number of other values that differ."""
    found = ask(port, case.name, made)
    difference, wrong, labels, numbers = 0.0, 0, 0, 0
    for name, tensor in made["answers"].items():
        expected, actual = array(tensor), found[name]
        if expected.shape != actual.shape:
            raise SystemExit(f"{case.name}: '{name}' has shape {actual.shape}, and the library's is {expected.shape}.")
        if expected.dtype.kind == "f":
            scale = float(np.abs(expected).max())
            difference = max(difference, float(np.abs(expected - actual).max()) / scale)
            numbers += expected.size
        else:
            wrong += int((expected != actual).sum())
            labels += expected.size
    manifest = json.loads((work / "repository" / case.name / "1" / "manifest.json").read_text(encoding="utf-8"))
    routes = {"arithmetic": "/predict/arithmetic", "image": "/predict/image", "v2": "/v2"}
    return {
        "what": case.what,
        "made_by": made["made_by"],
        "route": routes[made["route"]],
        "inputs": _shown(manifest["inputs"]),
        "outputs": _shown(manifest["outputs"]),
        "difference": difference,
        "numbers": numbers,
        "wrong": wrong,
        "labels": labels,
    }


def _shown(tensors: list[dict[str, Any]]) -> str:
    return ", ".join(f"{each['datatype']} {each['shape']}" for each in tensors)


def _row(result: dict[str, Any]) -> str:
    difference = f"{result['difference']:.0e} in {result['numbers']}" if result["numbers"] else ""
    labels = f"{result['wrong']} of {result['labels']}" if result["labels"] else ""
    cells = [
        result["what"],
        result["made_by"],
        result["route"],
        result["inputs"],
        result["outputs"],
        difference,
        labels,
    ]
    return f"| {' | '.join(cells)} |"


def page(rows: list[str]) -> str:
    """The page of results."""
    return f"""# Imported models

Each model is trained by its own library, exported, imported by `python -m training import`, and asked over HTTP for
rows that it was not trained on; its answers are compared with those of the library. Differences are relative to the
largest answer of an output. [import.md](../import.md) has the command, and what it refuses. Measured by

    python -m benchmarks.imported --write

| Model | Made by | Served under | Takes | Returns | Largest difference | Labels that differ |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}
"""


if __name__ == "__main__":
    main()
