"""POST /predict/arithmetic and POST /predict/image."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import to_json

from app.errors import InvalidInputError, TooLargeError, invalid_body
from app.images import decode
from app.repository import NUMBER_TYPES, Model
from app.schemas import MAX_VERSION, ArithmeticAnswer, ArithmeticRequest, PictureAnswer, problems
from app.service import Service, ServiceDep
from models.manifest import Manifest

router = APIRouter(prefix="/predict", tags=["predict"])

BATCH_PIXELS = 2**20
"""Most pixels of pictures that are computed together; the graph needs about ten bytes for each."""
NOT_FINITE = "The result is not finite: a division by zero or an overflow."

# Swagger UI offers a file picker for this form of the schema, and a text field for the one that FastAPI writes.
_FILES = {"items": {"type": "string", "format": "binary"}}

_ARITHMETIC_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ArithmeticRequest.model_json_schema()}},
    }
}


@router.post(
    "/arithmetic",
    summary="Numbers in, numbers out",
    response_model=ArithmeticAnswer,
    responses=problems(404, 413, 422, 503),
    openapi_extra=_ARITHMETIC_BODY,
)
async def predict_arithmetic(request: Request, service: ServiceDep) -> Response:
    """Answer rows of numbers with an arithmetic model.

    Numbers are float64 from end to end. `extrapolated` tells which rows lie outside the range that the model was
    trained on. A result that is not finite, such as a division by zero, is null and named in `warnings`; it never
    fails its neighbours.
    """
    try:
        body = ArithmeticRequest.model_validate_json(await request.body())
    except ValidationError as error:
        raise invalid_body(error) from error
    model = service.repository.get(body.model, body.version)
    inputs = _rows(body, model.manifest, service.settings.max_rows)
    outputs = await service.executor.run(service.predict, model, inputs)
    finite = np.isfinite(outputs).all(1)
    answer = {
        "model": model.manifest.name,
        "version": model.manifest.version,
        "predictions": [row if ok else None for row, ok in zip(outputs.tolist(), finite, strict=True)],
        "formula": model.manifest.formula,
        "extrapolated": _extrapolated(inputs, model.manifest).tolist(),
        "warnings": [{"row": int(row), "message": NOT_FINITE} for row in np.flatnonzero(~finite)],
    }
    return Response(to_json(answer), media_type="application/json")


@router.post(
    "/image",
    summary="Pictures in, values or labels out",
    response_model=PictureAnswer,
    responses=problems(404, 413, 415, 422, 503),
)
async def predict_image(
    service: ServiceDep,
    model: Annotated[str, Form(description="Name of the model; GET /models lists them.", examples=["digit"])],
    files: Annotated[list[UploadFile], File(description="PNG, JPEG or WebP pictures.", json_schema_extra=_FILES)],
    version: Annotated[int | None, Form(ge=1, le=MAX_VERSION, description="The highest by default.")] = None,
) -> Response:
    """Answer pictures (PNG, JPEG or WebP) with a picture model, one prediction a file, in their order.

    A digit to try it with lies at [/docs/digit.png](/docs/digit.png):

        curl -s localhost:8000/docs/digit.png -o digit.png
        curl -s localhost:8000/predict/image -F model=digit -F files=@digit.png
    """
    found = service.repository.get(model, version)
    if found.manifest.image is None:
        raise InvalidInputError(f"Model '{model}' takes numbers, not pictures; use POST /predict/arithmetic.")
    if len(files) > service.settings.max_files:
        raise TooLargeError(
            f"The request has {len(files)} files; at most {service.settings.max_files} are taken, so send several."
        )
    contents = [await file.read() for file in files]
    outputs = await service.executor.run(_predict_pictures, service, found, contents)
    manifest, finite = found.manifest, np.isfinite(outputs).all(1)
    answer = {
        "model": manifest.name,
        "version": manifest.version,
        "task": manifest.task,
        "predictions": [_picture_prediction(row, manifest) for row in outputs],
        "warnings": [{"file": int(file), "message": NOT_FINITE} for file in np.flatnonzero(~finite)],
    }
    return Response(to_json(answer), media_type="application/json")


def _rows(body: ArithmeticRequest, manifest: Manifest, max_rows: int) -> NDArray[np.float64]:
    if manifest.task != "arithmetic":
        raise InvalidInputError(f"Model '{manifest.name}' takes pictures, not numbers; use POST /predict/image.")
    if len(body.inputs) > max_rows:
        raise TooLargeError(f"The request has {len(body.inputs)} rows; at most {max_rows} are taken, so send several.")
    columns = manifest.columns
    for index, row in enumerate(body.inputs):
        if len(row) != len(columns):
            takes = f"{len(columns)} column{'s' * (len(columns) > 1)} ({', '.join(columns)})"
            message = f"Model '{manifest.name}' takes {takes}; row {index} has {len(row)}."
            raise InvalidInputError(message, [{"location": f"body.inputs.{index}", "message": message}])
    return np.array(body.inputs, dtype=np.float64)


def _extrapolated(inputs: NDArray[np.float64], manifest: Manifest) -> NDArray[np.bool_]:
    low, high = np.array(manifest.training.ranges).T
    return np.asarray(((inputs < low) | (inputs > high)).any(1))


def _predict_pictures(service: Service, model: Model, contents: list[bytes]) -> NDArray[Any]:
    """Decode and predict, holding no more pixels at a time than one batch; neighbours of one size are one batch."""
    number_type = NUMBER_TYPES[model.manifest.inputs[0].datatype]
    outputs: list[NDArray[Any]] = []
    batch: list[NDArray[np.uint8]] = []
    pixels_left = service.settings.max_request_pixels
    for index, content in enumerate(contents):
        picture = _decode(service, model, content, index)
        pixels_left -= picture[0].size
        if pixels_left < 0:
            limit = service.settings.max_request_pixels
            raise TooLargeError(f"The files have more than {limit} pixels together; send fewer at a time.")
        if batch and (picture.shape != batch[0].shape or (len(batch) + 1) * picture[0].size > BATCH_PIXELS):
            outputs.append(service.predict(model, np.stack(batch).astype(number_type)))
            batch = []
        batch.append(picture)
    outputs.append(service.predict(model, np.stack(batch).astype(number_type)))
    return np.concatenate(outputs).astype(np.float64)


def _decode(service: Service, model: Model, content: bytes, index: int) -> NDArray[np.uint8]:
    image = model.manifest.image
    assert image is not None
    picture = decode(content, f"File {index}", image.mode, service.settings.max_pixels)
    height, width = picture.shape[1:]
    if not image.resize and (height, width) != (image.height, image.width):
        raise InvalidInputError(
            f"File {index} is {width} x {height} pixels; model '{model.manifest.name}' takes "
            f"{image.width} x {image.height}."
        )
    return picture


def _picture_prediction(row: NDArray[Any], manifest: Manifest) -> dict[str, Any]:
    values = [float(value) if np.isfinite(value) else None for value in row]
    if manifest.classes is None:
        return {"value": values[0]}
    label = manifest.classes[int(row.argmax())] if None not in values else None
    return {"label": label, "probabilities": dict(zip(manifest.classes, values, strict=True))}
