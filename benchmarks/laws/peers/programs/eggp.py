"""eggp: genetic programming on an e-graph (de Franca and Kronberger 2025), with its defaults, but larger formulas.

Its default of 15 nodes holds no sum of three products with constants. Its own time limit ends it.
"""

import os

os.environ["GHCRTS"] = "-N1"  # one core, as of all tools; it is read at the first import

from eggp import EGGP

from benchmarks.laws.peers.task import Task

FUNCTIONS = "add,sub,mul,div,sqrt,square,log,exp,sin,cos,tan,tanh,asin,acos,atan"


def solve(task: Task) -> None:
    """Search until the time is up."""
    model = EGGP(gen=10**6, maxSize=40, nonterminals=FUNCTIONS, max_time=max(1, int(task.left())))
    model.fit(task.inputs, task.target)
    task.answer(model.predict(task.outside), str(model._best_row().Expression))
