"""A request of POST /predict/arithmetic: decoded, submitted to a model, encoded."""

from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.batching.batch import OnResult
from app.codecs import tabular
from app.codecs.intervals import interval_quantiles
from app.http.context import RequestContext
from app.service import Service


class TabularRequest:
    """Rows of numbers for a model.

    Args:
        service: the models and their limits.
        context: the request.
        body: its body.

    Raises:
        ServiceError: the body is invalid or does not fit the model, or the model is overloaded.
    """

    __slots__ = ("_context", "_inputs", "_model", "_quantiles", "_service")

    def __init__(self, service: Service, context: RequestContext, body: bytes) -> None:
        started = perf_counter()
        request, rows = tabular.decode_request(body, service.settings)
        self._service = service
        self._context = context
        model = service.model(context.key, request.model, request.version)
        self._model = (model.with_intervals or model) if request.intervals else model
        service.batching.check_queue_delay(self._model)
        self._inputs = tabular.to_array(rows, model.manifest, service.settings.max_rows)
        self._quantiles = interval_quantiles(model.manifest, request.level) if request.intervals else None
        service.metrics.observations["decode", context.route].append(perf_counter() - started)

    def start(self, on_result: OnResult) -> None:
        """Submit the rows; the outputs, or an error, go to a function, at once or later."""
        self._service.batching.submit(self._model, self._inputs, self._context, on_result)

    async def outputs(self) -> NDArray[Any]:
        """Submit the rows and wait for the outputs."""
        outputs: NDArray[Any] = await self._service.batching.predict(self._model, self._inputs, self._context)
        return outputs

    def encode(self, outputs: NDArray[np.float64]) -> bytes:
        """The response to the model's outputs, as JSON."""
        started = perf_counter()
        manifest = self._model.manifest
        body = tabular.encode_response(manifest, self._inputs, outputs, self._quantiles, self._context.outside)
        self._service.metrics.observations["encode", self._context.route].append(perf_counter() - started)
        return body
