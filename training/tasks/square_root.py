"""The square root of a positive number, tested to 100 times the training range."""

import numpy as np

from training.tasks import ArithmeticTask

TASK = ArithmeticTask(
    ("a",), law=np.sqrt, interpolation=(1, 10), extrapolation=(10, 1000), elsewhere={"below": (0.01, 1)}
)
