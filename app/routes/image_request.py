"""A request of POST /predict/image: decoded, submitted to a model, encoded."""

import asyncio
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import ClientDisconnect

from app.batching.batch import BATCH_PIXELS, OnResult
from app.batching.batcher import DISCONNECT_CHECK_SECONDS, MAX_INLINE_SECONDS
from app.codecs.images import ImageName, check_size, encode_response
from app.codecs.uploads import open_uploads, read_image_form
from app.errors import InvalidInputError
from app.http.context import RequestContext
from app.http.responses import RawJSONResponse
from app.service import Service


class ImageRequest:
    """Uploaded images for a model.

    Args:
        service: the models and their limits.
        context: the request.
        body: its body.

    Raises:
        ServiceError: the form or its files are invalid or do not fit the model, or the model is overloaded.
    """

    __slots__ = ("_context", "_model", "_service", "_uploads")

    def __init__(self, service: Service, context: RequestContext, body: bytes) -> None:
        started = perf_counter()
        form = read_image_form(context.headers.get("content-type", ""), body, service.settings.max_files)
        self._service = service
        self._context = context
        self._model = service.model(context.key, form.model, form.version)
        if self._model.manifest.image is None:
            raise InvalidInputError(f"Model '{form.model}' takes numbers, not images; use POST /predict/arithmetic.")
        service.batching.check_queue_delay(self._model)
        self._uploads = open_uploads(form, self._model.manifest, service.settings)
        context.decode_seconds = perf_counter() - started

    def start(self, on_result: OnResult) -> None:
        """Submit the images; the outputs, or an error, go to a function, at once or later."""
        if len(self._uploads) == 1 and self._uploads[0].decode_seconds <= MAX_INLINE_SECONDS:
            self._service.batching.submit(self._model, _stack([self._decode(0)]), self._context, on_result)
            return
        task = asyncio.ensure_future(self.outputs())
        self._context.task = task

        def done(_: object) -> None:
            if not task.cancelled():
                on_result(task.exception() or task.result())  # type: ignore[arg-type]

        task.add_done_callback(done)

    async def outputs(self) -> NDArray[Any]:
        """Submit the images and wait for the outputs.

        Neighbours of one size are submitted together, and no more pixels are held at a time than one batch has.
        """
        predict = self._service.batching.predict
        outputs: list[NDArray[Any]] = []
        batch: list[NDArray[np.uint8]] = []
        with self._service.batching.queue_limiter.reserve_pixels(sum(upload.pixels for upload in self._uploads)):
            for index, upload in enumerate(self._uploads):
                inline = upload.decode_seconds <= MAX_INLINE_SECONDS
                pixels = self._decode(index) if inline else await self._decode_in_thread(index)
                if batch and (pixels.shape != batch[0].shape or (len(batch) + 1) * pixels[0].size > BATCH_PIXELS):
                    outputs.append(await predict(self._model, _stack(batch), self._context))
                    batch = []
                batch.append(pixels)
            outputs.append(await predict(self._model, _stack(batch), self._context))
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)

    def response(self, outputs: NDArray[Any]) -> RawJSONResponse:
        """Encode the response to the model's outputs."""
        started = perf_counter()
        file_warnings = [upload.warning for upload in self._uploads]
        body = encode_response(self._model.manifest, outputs.astype(np.float64), file_warnings)
        response = RawJSONResponse(body)
        observations, route = self._service.metrics.observations, self._context.route
        observations("decode", route).append(self._context.decode_seconds)
        observations("encode", route).append(perf_counter() - started)
        return response

    async def _decode_in_thread(self, index: int) -> NDArray[np.uint8]:
        batching = self._service.batching
        arrived = perf_counter()
        async with batching.decode_slots:
            if perf_counter() - arrived > DISCONNECT_CHECK_SECONDS and self._context.is_disconnected():
                raise ClientDisconnect
            return await asyncio.get_running_loop().run_in_executor(batching.threads, self._decode, index)

    def _decode(self, index: int) -> NDArray[np.uint8]:
        started = perf_counter()
        image = self._model.manifest.image
        assert image is not None
        pixels = self._uploads[index].decode(image.mode, max(image.height, image.width) if image.resize else None)
        if not image.resize:
            height, width = pixels.shape[1:]
            check_size(ImageName(f"File {index} is", "it"), width, height, self._model.manifest)
        self._context.decode_seconds += perf_counter() - started
        return pixels


def _stack(batch: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return batch[0][None] if len(batch) == 1 else np.stack(batch)
