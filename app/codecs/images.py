"""Pictures: from a form to pixels and batches."""

import asyncio
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from app.batching.batch import BATCH_PIXELS, OnResult
from app.batching.batcher import DISCONNECT_CHECK_SECONDS, MAX_INLINE_SECONDS
from app.codecs.image_limits import ImageName, check_pixels, check_size
from app.codecs.image_response import encode_response
from app.codecs.multipart import read_form
from app.codecs.uploads import Upload
from app.errors import InvalidInputError, TooLargeError, invalid_body
from app.http.context import RequestContext
from app.http.responses import RawJSONResponse
from app.schemas import ImageForm
from app.settings import Settings
from models.manifest import Manifest


class ImageRequest:
    """A request of ``POST /predict/image`` and what its answer needs.

    Args:
        context: the request; the seconds of its parts are noted.
        body: its body.

    Raises:
        ServiceError: the form, its files or the model do not fit.
    """

    __slots__ = ("_model", "_pictures", "context")

    def __init__(self, context: RequestContext, body: bytes) -> None:
        started = perf_counter()
        service = context.service
        form = read_image_form(context.headers.get("content-type", ""), body, service.settings.max_files)
        self.context = context
        self._model = service.repository.get(form.model, form.version)
        if self._model.manifest.image is None:
            raise InvalidInputError(f"Model '{form.model}' takes numbers, not pictures; use POST /predict/arithmetic.")
        service.batching.check_queue_delay(self._model)
        self._pictures = _opened(form, self._model.manifest, service.settings)
        context.decode_seconds = perf_counter() - started

    def start(self, on_result: OnResult) -> None:
        """Hand the outputs, or what went wrong, to a function: at once or when they are there."""
        first = self._pictures[0]
        if len(self._pictures) == 1 and first.decode_seconds <= MAX_INLINE_SECONDS:
            self.context.service.batching.submit(self._model, _stack([self._decoded(0)]), self.context, on_result)
            return
        task = asyncio.ensure_future(self.outputs())
        self.context.task = task

        def done(_: object) -> None:
            if not task.cancelled():
                on_result(task.exception() or task.result())  # type: ignore[arg-type]

        task.add_done_callback(done)

    async def outputs(self) -> NDArray[Any]:
        """Decode and compute, neighbours of one size together, holding no more pixels at a time than one batch."""
        service = self.context.service
        outputs: list[NDArray[Any]] = []
        batch: list[NDArray[np.uint8]] = []
        with service.batching.queue_limiter.reserve_pixels(sum(picture.pixels for picture in self._pictures)):
            for index, picture in enumerate(self._pictures):
                quick = picture.decode_seconds <= MAX_INLINE_SECONDS
                pixels = self._decoded(index) if quick else await self._decoded_in_thread(index)
                if batch and (pixels.shape != batch[0].shape or (len(batch) + 1) * pixels[0].size > BATCH_PIXELS):
                    outputs.append(await service.predict(self._model, _stack(batch), self.context))
                    batch = []
                batch.append(pixels)
            outputs.append(await service.predict(self._model, _stack(batch), self.context))
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)

    def response(self, outputs: NDArray[Any]) -> RawJSONResponse:
        """The answer, once the model's outputs are known."""
        started = perf_counter()
        answer = RawJSONResponse(encode_response(self._model.manifest, outputs.astype(np.float64)))
        notes = self.context.service.metrics.observations
        notes("decode", self.context.route).append(self.context.decode_seconds)
        notes("encode", self.context.route).append(perf_counter() - started)
        return answer

    async def _decoded_in_thread(self, index: int) -> NDArray[np.uint8]:
        batching = self.context.service.batching
        arrived = perf_counter()
        async with batching.decode_slots:
            if perf_counter() - arrived > DISCONNECT_CHECK_SECONDS and self.context.is_disconnected():
                raise ClientDisconnect
            return await asyncio.get_running_loop().run_in_executor(batching.threads, self._decoded, index)

    def _decoded(self, index: int) -> NDArray[np.uint8]:
        started = perf_counter()
        image = self._model.manifest.image
        assert image is not None
        pixels = self._pictures[index].decode(image.mode, max(image.height, image.width) if image.resize else None)
        if not image.resize:
            height, width = pixels.shape[1:]
            check_size(ImageName(f"File {index} is", "it"), width, height, self._model.manifest)
        self.context.decode_seconds += perf_counter() - started
        return pixels


def read_image_form(content_type: str, body: bytes, max_files: int) -> ImageForm:
    """Validate a form.

    Raises:
        InvalidInputError: it is no form, has other fields, or has one twice that is to be there once.
        TooLargeError: it has more files than the limit.
    """
    fields = read_form(content_type, body)
    values: dict[str, Any] = {name: given if name == "files" else _only(name, given) for name, given in fields.items()}
    try:
        form = ImageForm.model_validate(values)
    except ValidationError as error:
        raise invalid_body(error) from error
    if len(form.files) > max_files:
        raise TooLargeError(f"The request has {len(form.files)} files; at most {max_files} are taken, so send several.")
    return form


def _only(name: str, given: list[str | bytes]) -> str | bytes:
    if len(given) > 1 and name in ImageForm.model_fields:
        raise InvalidInputError(
            f"The form has {len(given)} fields '{name}', and one is taken; send one request for each."
        )
    return given[-1]


def _opened(form: ImageForm, manifest: Manifest, limits: Settings) -> list[Upload]:
    """The pictures, with their headers read and nothing decoded."""
    pictures = []
    pixels_left = limits.max_request_pixels
    resized = manifest.image is not None and manifest.image.resize
    for index, content in enumerate(form.files):
        picture = Upload(content, f"File {index}", limits.max_pixels, resized=resized)
        if not resized:
            check_pixels(ImageName(f"File {index} is", "it"), *picture.size, manifest, limits)
        pictures.append(picture)
        pixels_left -= picture.pixels
        if pixels_left < 0:
            raise TooLargeError(
                f"The files have more than {limits.max_request_pixels} pixels together; send fewer at a time."
            )
    return pictures


def _stack(batch: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return batch[0][None] if len(batch) == 1 else np.stack(batch)
