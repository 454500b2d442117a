"""pyoperon: genetic programming in C++, with least squares for constants (Burlacu et al. 2020); it computes in float32.

Objectives, iterations of the optimizer and sizes are those of its README and of its entry in SRBench. The model is
chosen by the error where there is no noise; by the description length, with the true size of the noise, where there is.
"""

import numpy as np
from pyoperon.sklearn import SymbolicRegressor

from benchmarks.laws.peers.task import Task

SYMBOLS = "add,sub,mul,div,sqrt,square,exp,log,sin,cos,tan,tanh,asin,acos,atan,constant,variable"


def solve(task: Task) -> None:
    """Evolve until the time is up."""
    noise = task.noise * float(np.sqrt(np.mean(task.target**2)))
    model = SymbolicRegressor(
        allowed_symbols=SYMBOLS,
        objectives=["r2", "length"],
        optimizer_iterations=10,
        population_size=1000,
        pool_size=1000,
        generations=10**6,
        max_evaluations=10**9,
        max_time=max(1, int(task.left())),
        epsilon=0.0,
        model_selection_criterion="minimum_description_length" if noise else "mean_squared_error",
        uncertainty=[noise] if noise else None,
        n_threads=1,
        random_state=0,
    )
    model.fit(task.inputs, task.target)
    task.answer(model.predict(task.outside), model.get_model_string(model.model_, 17, task.columns))
