"""Types of NumPy arrays, named once; shapes stand in the docstrings."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ByteArray = NDArray[np.uint8]

Predict = Callable[[NDArray[Any]], NDArray[Any]]
"""A model: a batch of inputs to its outputs."""
