"""gplearn: genetic programming after Koza, with its defaults; it has no time limit, so each generation answers."""

import warnings

import numpy as np
from gplearn.functions import make_function
from gplearn.genetic import SymbolicRegressor

from benchmarks.laws.peers.task import Task

LARGEST = 100.0
"""Of an argument of exp: protected as gplearn's own functions are."""


def _exp(x: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(x, -LARGEST, LARGEST))


FUNCTIONS = (
    *("add", "sub", "mul", "div", "sqrt", "log", "neg", "inv", "abs", "max", "min", "sin", "cos", "tan"),
    make_function(function=_exp, name="exp", arity=1, wrap=False),
)


def solve(task: Task) -> None:
    """Evolve by one generation after the other; the best program so far is the answer."""
    warnings.simplefilter("ignore")
    model = SymbolicRegressor(
        generations=1,
        function_set=FUNCTIONS,
        metric="mse",
        feature_names=task.columns,
        warm_start=True,
        low_memory=True,
        n_jobs=1,
        random_state=0,
    )
    best = np.inf
    while task.left() > 0:
        model.fit(task.inputs, task.target)
        model.set_params(generations=model.generations + 1)
        if model._program.raw_fitness_ < best:
            best = model._program.raw_fitness_
            task.answer(model.predict(task.outside), str(model._program))
