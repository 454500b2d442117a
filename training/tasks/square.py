"""The square of a positive number, tested to 100 times the training range."""

from training.tasks import ArithmeticTask

TASK = ArithmeticTask(
    ("a",),
    law=lambda x: x**2,
    interpolation=(1, 10),
    extrapolation=(10, 1000),
    elsewhere={"below": (0.01, 1), "negative": (-10, -1)},
)
