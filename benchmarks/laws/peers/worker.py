"""python -m benchmarks.laws.peers.worker PROGRAM FOLDER [CORE]: one tool on one table, on one core."""

import importlib
import os
import sys
from pathlib import Path

from benchmarks.laws.peers.task import READY, Task


def main() -> None:
    """Import the tool, report that its time begins, and let it answer."""
    program, folder, *core = sys.argv[1:]
    if core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core[0])})
    solve = importlib.import_module(program).solve
    print(READY, flush=True)
    solve(Task.read(Path(folder)))


if __name__ == "__main__":
    main()
