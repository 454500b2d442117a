"""A tool for ``benchmarks.laws.peers``: the name of the first column is what it does."""

import time

from benchmarks.laws.peers.task import Task


def solve(task: Task) -> None:
    what = task.columns[0]
    if what == "broken":
        raise ValueError("no such thing")
    if what == "silent":
        return
    task.answer(2 * task.outside[:, 0], "2*a")
    if what == "slow":
        time.sleep(60)
        task.answer(0 * task.outside[:, 0], "0")
