"""Images of a request, decoded and submitted to a model in batches."""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import ClientDisconnect

from app.batching.batch import BATCH_PIXELS
from app.batching.batcher import DISCONNECT_CHECK_SECONDS
from app.batching.scheduler import BatchScheduler
from app.codecs.images import MIN_REDUCED_PROBABILITY, check_size
from app.http.context import RequestContext
from app.repository.load import LoadedModel

if TYPE_CHECKING:
    from app.codecs.uploads import Upload


class PendingImages:
    """Images whose headers were read.

    Args:
        batching: takes them.
        context: their request, to whose seconds of decoding theirs are added.
        model: of images.
        uploads: at least one.
    """

    __slots__ = ("_batching", "_context", "_model", "_reduced_first", "_uploads")

    def __init__(
        self, batching: BatchScheduler, context: RequestContext, model: LoadedModel, uploads: "Sequence[Upload]"
    ) -> None:
        self._batching = batching
        self._context = context
        self._model = model
        self._uploads = uploads
        self._reduced_first = batching.reduced_first(model)
        for upload in uploads:
            upload.reduced = upload.reduced and self._reduced_first.is_worthwhile()

    @property
    def warnings(self) -> list[str | None]:
        """A sentence about each image, once it is decoded; None where it is sound."""
        return [upload.warning for upload in self._uploads]

    def decode_single(self) -> NDArray[np.uint8] | None:
        """The model's input, if it is a single image that is decoded at once; None if ``outputs`` is needed."""
        if len(self._uploads) == 1 and self._is_quick(self._uploads[0]):
            return _stack([self._decode(self._uploads[0])])
        return None

    def _is_quick(self, upload: "Upload") -> bool:
        """Whether to decode it in the event loop."""
        return upload.decode_seconds <= self._batching.limiter.max_inline_seconds

    def find_unsure(self, outputs: NDArray[Any]) -> list[int]:
        """The images to which a full decode may give another answer, of those that were decoded at a reduced size."""
        unsure = []
        for index, upload in enumerate(self._uploads):
            if upload.reduced:
                is_sure = bool(outputs[index].max() >= MIN_REDUCED_PROBABILITY)
                self._reduced_first.record(is_sure)
                if not is_sure:
                    unsure.append(index)
        return unsure

    async def outputs(self) -> NDArray[Any]:
        """Submit the images and wait for the outputs, one row an image."""
        outputs = await self._predict(self._uploads)
        unsure = self.find_unsure(outputs)
        return await self.refine(outputs, unsure) if unsure else outputs

    async def refine(self, outputs: NDArray[Any], unsure: list[int]) -> NDArray[Any]:
        """The outputs, those of unsure images computed again from a full decode."""
        uploads = [self._uploads[index] for index in unsure]
        for upload in uploads:
            upload.reopen()
        self._context.rows -= len(uploads)  # each image counts once
        refined = outputs.copy()
        refined[unsure] = await self._predict(uploads)
        return refined

    async def _predict(self, uploads: "Sequence[Upload]") -> NDArray[Any]:
        """Submit images and wait for the outputs.

        Neighbours of one size are submitted together, and no more pixels are held at a time than one batch has.
        """
        predict = self._batching.predict
        outputs: list[NDArray[Any]] = []
        batch: list[NDArray[np.uint8]] = []
        with self._batching.queue_limiter.reserve_pixels(sum(upload.pixels for upload in uploads)):
            for upload in uploads:
                pixels = self._decode(upload) if self._is_quick(upload) else await self._decode_in_thread(upload)
                if batch and (pixels.shape != batch[0].shape or (len(batch) + 1) * pixels[0].size > BATCH_PIXELS):
                    outputs.append(await predict(self._model, _stack(batch), self._context))
                    batch = []
                batch.append(pixels)
            outputs.append(await predict(self._model, _stack(batch), self._context))
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)

    async def _decode_in_thread(self, upload: "Upload") -> NDArray[np.uint8]:
        arrived = perf_counter()
        async with self._batching.decode_slots:
            if perf_counter() - arrived > DISCONNECT_CHECK_SECONDS and self._context.is_disconnected():
                raise ClientDisconnect
            return await asyncio.get_running_loop().run_in_executor(self._batching.threads, self._decode, upload)

    def _decode(self, upload: "Upload") -> NDArray[np.uint8]:
        started = perf_counter()
        image = self._model.manifest.image
        assert image is not None
        pixels = upload.decode(image.mode)
        if not image.resize:
            height, width = pixels.shape[1:]
            check_size(upload.name, width, height, self._model.manifest)
        self._context.decode_seconds += perf_counter() - started
        return pixels


def _stack(batch: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return batch[0][None] if len(batch) == 1 else np.stack(batch)
