"""RILS-ROLS: iterated local search with least squares (Kartelj and Djukanovic 2023), with its defaults.

It simplifies its formula for two seconds when its own time limit has passed.
"""

from rils_rols.rils_rols import RILSROLSRegressor

from benchmarks.laws.peers.task import Task

SIMPLIFYING = 3.0


def solve(task: Task) -> None:
    """Search until the time is up."""
    seconds = max(1, int(task.left() - SIMPLIFYING))
    model = RILSROLSRegressor(max_time=seconds, max_fit_calls=10**9, random_state=0)
    model.fit(task.inputs, task.target)
    task.answer(model.predict(task.outside), str(model.model))
