"""Inference: from the bytes of a request to the bytes of its response."""

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.responses import Response

from app.backends.tensors import Tensors, concatenate, values_of_row
from app.batching.batch import BATCH_PIXELS
from app.codecs import compression
from app.codecs.v2.inputs import HEADER_LENGTH
from app.codecs.v2.request import InferenceRequest, decode
from app.codecs.v2.response import encode
from app.errors import UnavailableError
from app.http.context import RequestContext
from app.repository.load import LoadedModel
from app.routes.pending_images import PendingImages
from app.service import Service

if TYPE_CHECKING:
    from app.codecs.uploads import Upload

MAX_INLINE_BYTES = 2**16
"""Larger responses are compressed in a thread, so that they do not block the event loop."""


async def infer(service: Service, context: RequestContext, model: LoadedModel) -> Response:
    """Run a model on a request.

    Raises:
        ServiceError: the request cannot be served.
    """
    body = await context.body()
    started = perf_counter()
    request = decode(body, context.headers.get(HEADER_LENGTH), model.manifest, service.settings)
    decoded = perf_counter()
    prediction = await predict(service, context, model, request)
    computed = perf_counter()
    response = await _response(context, *encode(prediction, request, model.manifest))
    service.metrics.observations["decode", context.route].append(decoded - started + context.decode_seconds)
    service.metrics.observations["encode", context.route].append(perf_counter() - computed)
    return response


async def predict(service: Service, context: RequestContext, model: LoadedModel, request: InferenceRequest) -> Tensors:
    """Run a model on a decoded request, within the time that the request gives.

    Raises:
        ServiceError: the request cannot be served.
    """
    if request.timeout_seconds is None:
        return await _predict(service, context, model, request.inputs)
    try:
        async with asyncio.timeout(request.timeout_seconds):
            return await _predict(service, context, model, request.inputs)
    except TimeoutError:
        raise UnavailableError(
            f"The request exceeded its parameter 'timeout' of {request.timeout_seconds:g} seconds; try again later, or "
            "give it more microseconds.",
            reason="timeout",
        ) from None


async def _predict(
    service: Service, context: RequestContext, model: LoadedModel, inputs: "Tensors | list[Upload]"
) -> Tensors:
    """All rows of a table at once; images in parts of at most ``BATCH_PIXELS``, and other tensors of as many values."""
    if isinstance(inputs, list):
        return await PendingImages(service.batching, context, model, inputs).outputs()
    if model.manifest.task == "arithmetic":
        outputs: Tensors = await service.batching.predict(model, inputs, context)
        return outputs
    # an image is as many pixels in grey as in colour
    values = values_of_row(inputs.shape[1:] if model.manifest.image is None else inputs.shape[2:])
    step = max(1, BATCH_PIXELS // values)
    with service.batching.queue_limiter.reserve_pixels(len(inputs) * values):
        parts = [
            await service.batching.predict(model, inputs[start : start + step], context)
            for start in range(0, len(inputs), step)
        ]
    return concatenate(parts)


async def _response(context: RequestContext, content: bytes, header_length: int | None) -> Response:
    headers = {}
    if header_length is not None:
        headers[HEADER_LENGTH] = str(header_length)
    encoding = compression.preferred(context.headers.get("accept-encoding", ""))
    if encoding is not None and len(content) >= compression.MIN_COMPRESSED_BYTES:
        headers["Content-Encoding"] = encoding
        if len(content) > MAX_INLINE_BYTES:
            content = await asyncio.to_thread(compression.compress, content, encoding)
        else:
            content = compression.compress(content, encoding)
    media_type = "application/json" if header_length is None else "application/octet-stream"
    return Response(content, headers=headers, media_type=media_type)
