"""A request of POST /predict/image: decoded, submitted to a model, encoded."""

import asyncio
from collections.abc import Coroutine
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.batching.batch import OnResult, Result
from app.codecs.image_body import read_image_body
from app.codecs.images import encode_response
from app.codecs.tabular import other_task
from app.errors import InvalidInputError
from app.http.context import RequestContext
from app.routes.pending_images import PendingImages
from app.service import Service


class ImageRequest:
    """Uploaded images for a model.

    Args:
        service: the models and their limits.
        context: the request.
        body: its body.

    Raises:
        ServiceError: the body or its images are invalid or do not fit the model, or the model is overloaded.
    """

    __slots__ = ("_context", "_images", "_model", "_service")

    def __init__(self, service: Service, context: RequestContext, body: bytes) -> None:
        from app.codecs.uploads import open_uploads  # with Pillow, which a service without images never imports

        started = perf_counter()
        given = read_image_body(context.head.content_type, body, service.settings)
        self._service = service
        self._context = context
        self._model = service.model(context.key, given.model, given.version)
        if self._model.manifest.image is None:
            raise InvalidInputError(other_task(self._model.manifest))
        service.batching.check_queue_delay(self._model)
        uploads = open_uploads(given.contents, self._model.manifest, service.settings, noun=given.noun)
        self._images = PendingImages(service.batching, context, self._model, uploads)
        context.decode_seconds += perf_counter() - started

    def start(self, on_result: OnResult) -> None:
        """Submit the images; the outputs, or an error, go to a function, at once or later."""
        single = self._images.decode_single()
        if single is None:
            self._run(self.outputs(), on_result)
            return

        def refine(result: Result) -> None:
            unsure = [] if isinstance(result, Exception) else self._images.find_unsure(result)
            if unsure:
                self._run(self._images.refine(result, unsure), on_result)
            else:
                on_result(result)

        self._service.batching.submit(self._model, single, self._context, refine)

    def _run(self, outputs: Coroutine[Any, Any, NDArray[Any]], on_result: OnResult) -> None:
        """Have a task of the request's own wait for outputs."""
        task = asyncio.ensure_future(outputs)
        self._context.task = task

        def done(_: object) -> None:
            if not task.cancelled():
                on_result(task.exception() or task.result())

        task.add_done_callback(done)

    async def outputs(self) -> NDArray[Any]:
        """Submit the images and wait for the outputs."""
        return await self._images.outputs()

    def encode(self, outputs: NDArray[Any]) -> bytes:
        """The response to the model's outputs, as JSON."""
        started = perf_counter()
        body = encode_response(self._model.manifest, outputs.astype(np.float64), self._images.warnings)
        observations, route = self._service.metrics.observations, self._context.route
        observations["decode", route].append(self._context.decode_seconds)
        observations["encode", route].append(perf_counter() - started)
        return body
