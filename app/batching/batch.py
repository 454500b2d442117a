"""Requests that are computed together, each with a result of its own."""

from collections.abc import Callable
from itertools import accumulate
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.backends import Predictor
from app.backends.tensors import Tensors, concatenate, values_of_row
from app.observability.extrapolation import MAX_PYTHON_ROWS, outside_ranges
from app.repository.load import LoadedModel
from app.settings import Settings

BATCH_PIXELS = 2**20
"""Most pixels of the images in one batch, unless a single image has more; likewise of values of other tensors."""

Result = Any
"""The outputs for a request's rows, ``Tensors``, or an exception."""
OnResult = Callable[[Result], None]


class BatchedRequest(Protocol):
    """The part of a request that batching needs."""

    started: float
    """When it arrived, by ``perf_counter``."""
    rows: int
    """Rows or images that were submitted for it."""
    outside: NDArray[np.bool_] | None
    """Whether each row lies outside the training range, where its batch found out before its result."""
    span: Any
    """Its trace; None: there is none."""

    def is_disconnected(self) -> bool:
        """Whether its client has disconnected."""

    def trace(self, part: str, started: float, ended: float, /) -> None:
        """Add a part of its work to its trace, from and to by ``perf_counter``."""


class PendingRequest:
    """A request's rows in a queue.

    Args:
        inputs: ``(rows, ...)``.
        request: whose they are.
        on_result: takes the outputs or the error; called once, or never if the request is cancelled before.
    """

    __slots__ = ("arrived", "cancelled", "inputs", "on_result", "request", "rows")

    def __init__(self, inputs: Tensors, request: BatchedRequest, on_result: OnResult) -> None:
        self.inputs = inputs
        self.rows = len(inputs)
        self.request = request
        self.on_result = on_result
        self.arrived = perf_counter()
        self.cancelled = False


class Batch:
    """Requests for one version of one model, whose rows have one shape.

    Args:
        requests: at least one.
        rows: of all of them.
        bounds: of the training range, see ``bounds_of``; None where there is none.
    """

    def __init__(self, requests: list[PendingRequest], rows: int, bounds: NDArray[np.float64] | None) -> None:
        self.requests = requests
        self.rows = rows
        self._bounds = bounds
        self.inputs: Tensors
        """Those of all of them, ``(rows, ...)``; set by ``compute``."""
        self.seconds = 0.0
        """Wall time of its computation."""
        self.busy_seconds = 0.0
        """The part of it in which its thread worked, and did not wait for other threads."""
        self._results: list[Result] = []

    def compute(self, predict: Predictor, clock: Callable[[], float]) -> None:
        """Compute all requests at once, in any thread; if that fails, one by one, so that each has its own error.

        Args:
            predict: the model.
            clock: counts the seconds that this thread works.
        """
        inputs = [pending.inputs for pending in self.requests]
        self.inputs = concatenate(inputs)
        started, began = perf_counter(), clock()
        try:
            outputs = predict(self.inputs)
        except Exception:  # whatever a runtime raises
            self._results = [_predict_alone(predict, rows) for rows in inputs]
        else:
            ends = accumulate(pending.rows for pending in self.requests)
            parts = zip(self.requests, ends, strict=True)
            self._results = [outputs[end - pending.rows : end] for pending, end in parts]
        self.seconds, self.busy_seconds = perf_counter() - started, clock() - began
        if self._bounds is not None and self.rows > MAX_PYTHON_ROWS:
            self._mark_outside(self._bounds)

    def _mark_outside(self, bounds: NDArray[np.float64]) -> None:
        """Compare all rows with the training range, which takes hardly longer than for those of one request."""
        outside, start = outside_ranges(np.asarray(self.inputs), bounds), 0
        for pending in self.requests:
            pending.request.outside = outside[start : start + pending.rows]
            start += pending.rows

    def send_results(self) -> None:
        """Call each request with its result, in the event loop."""
        ended = perf_counter()
        began = ended - self.seconds
        for pending, result in zip(self.requests, self._results, strict=True):
            if not pending.cancelled:
                if pending.request.span is not None:  # on the path of every request
                    pending.request.trace("queue", pending.arrived, began)
                    pending.request.trace("compute", began, ended)
                pending.on_result(result)


def _predict_alone(predict: Predictor, inputs: Tensors) -> Result:
    try:
        return predict(inputs)
    except Exception as error:
        return error


def batch_limits(model: LoadedModel, shape: tuple[Any, ...], settings: Settings) -> tuple[int, int]:
    """Most rows of a batch, and the pixels that each takes from the limiter: its own, unless the model resizes.

    The values of other tensors count as pixels do, except in tables.
    """
    image = model.manifest.image
    if image is None:
        if model.manifest.task == "arithmetic":
            return settings.max_batch_rows, 0
        values = values_of_row(shape)
        return max(1, min(settings.max_batch_rows, BATCH_PIXELS // values)), values
    pixels = shape[-2] * shape[-1]
    return max(1, min(settings.max_batch_rows, BATCH_PIXELS // pixels)), 0 if image.resize else pixels
