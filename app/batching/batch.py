"""Requests that are computed together, each with its own result."""

from collections.abc import Callable
from itertools import accumulate
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.backends import Predictor
from app.http.context import RequestContext

BATCH_PIXELS = 2**20
"""Most pixels of pictures that are computed together, unless a single one has more."""

Result = NDArray[Any] | Exception
OnResult = Callable[[Result], None]


class PendingRequest:
    """A request's rows on their way through a queue.

    Args:
        inputs: ``(rows, ...)``.
        context: the request.
        on_result: takes the outputs, or what went wrong; called once, or not at all if it is not wanted any more.
    """

    __slots__ = ("arrived", "cancelled", "context", "inputs", "on_result", "rows")

    def __init__(self, inputs: NDArray[Any], context: RequestContext, on_result: OnResult) -> None:
        self.inputs = inputs
        self.rows = len(inputs)
        self.context = context
        self.on_result = on_result
        self.arrived = perf_counter()
        self.cancelled = False


class Batch:
    """Items of one model, version and shape.

    Args:
        items: at least one.
        rows: theirs together.
    """

    def __init__(self, items: list[PendingRequest], rows: int) -> None:
        self.items = items
        self.rows = rows
        self.seconds = 0.0
        """What computing it took, by the clock."""
        self.busy_seconds = 0.0
        """What of it the thread worked, and did not wait for other threads."""
        self._results: list[Result] = []

    def compute(self, predict: Predictor, clock: Callable[[], float]) -> None:
        """Compute all; in any thread. If that fails, each request is computed alone, so that one fails no other.

        Args:
            predict: the model.
            clock: counts the seconds that this thread works.
        """
        inputs = [item.inputs for item in self.items]
        started, began = perf_counter(), clock()
        try:
            outputs = predict(np.concatenate(inputs))
        except Exception:  # whatever a runtime raises
            self._results = [_predict_alone(predict, rows) for rows in inputs]
        else:
            ends = accumulate(item.rows for item in self.items)
            self._results = [outputs[end - item.rows : end] for item, end in zip(self.items, ends, strict=True)]
        self.seconds, self.busy_seconds = perf_counter() - started, clock() - began

    def send_results(self) -> None:
        """Hand out the results; in the event loop."""
        ended = perf_counter()
        began = ended - self.seconds
        for item, result in zip(self.items, self._results, strict=True):
            if not item.cancelled:
                item.context.trace("queue", item.arrived, began)
                item.context.trace("compute", began, ended)
                item.on_result(result)


def _predict_alone(predict: Predictor, inputs: NDArray[Any]) -> Result:
    try:
        return predict(inputs)
    except Exception as error:
        return error
