"""Rows of numbers: from a body to a model's input, and from its output to an answer.

A few rows are looked at one by one: NumPy's many small steps cost a lone request more than the model does.
"""

from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import to_json

from app.batching.batch import OnResult
from app.codecs.json_limits import check_json
from app.errors import InvalidInputError, TooLargeError, invalid_body
from app.http.context import RequestContext
from app.http.responses import RawJSONResponse
from app.schemas import ArithmeticRequest
from app.settings import Settings
from models.manifest import Manifest

FEW = 8
"""Rows up to which plain Python is faster."""
NOT_FINITE = "The result is not finite: a division by zero or an overflow."

_validate = ArithmeticRequest.__pydantic_validator__.validate_json


def read_request(body: bytes, limits: Settings) -> ArithmeticRequest:
    """Validate a body, straight from its bytes.

    Raises:
        InvalidInputError: it is no JSON, is nested deeper than the limit, or has another shape.
        TooLargeError: it holds more values than the limit.
    """
    check_json(body, limits.max_json_depth, limits.max_json_values)
    try:
        request: ArithmeticRequest = _validate(body)
    except ValidationError as error:
        raise invalid_body(error) from error
    return request


def to_array(request: ArithmeticRequest, manifest: Manifest, max_rows: int) -> NDArray[np.float64]:
    """The rows as the model takes them, ``(rows, columns)``.

    Raises:
        InvalidInputError: the model takes pictures, or a row has another width.
        TooLargeError: there are more rows than the limit.
    """
    if manifest.task != "arithmetic":
        raise InvalidInputError(f"Model '{manifest.name}' takes pictures, not numbers; use POST /predict/image.")
    if len(request.inputs) > max_rows:
        raise TooLargeError(
            f"The request has {len(request.inputs)} rows; at most {max_rows} are taken, so send several."
        )
    width = manifest.inputs[0].shape[1]
    for index, row in enumerate(request.inputs):
        if len(row) != width:
            raise _wrong_width(manifest, index, len(row))
    return np.array(request.inputs, dtype=np.float64)


def _wrong_width(manifest: Manifest, index: int, width: int) -> InvalidInputError:
    columns = manifest.columns
    takes = f"{len(columns)} column{'s' * (len(columns) > 1)} ({', '.join(columns)})"
    message = f"Model '{manifest.name}' takes {takes}; row {index} has {width}."
    return InvalidInputError(message, [{"location": f"body.inputs.{index}", "message": message}])


def encode_response(
    manifest: Manifest, rows: list[list[float]], inputs: NDArray[np.float64], outputs: NDArray[np.float64]
) -> bytes:
    """The answer as JSON.

    Args:
        manifest: of the model that computed.
        rows: the request's rows.
        inputs: the same, ``(rows, columns)``.
        outputs: ``(rows, outputs)``; a row that is not finite becomes null, with a warning.
    """
    predictions: list[Any] = outputs.tolist()
    if len(rows) <= FEW:
        ranges = manifest.training.ranges
        outside = [_is_outside(row, ranges) for row in rows]
        bad = [index for index, row in enumerate(predictions) if not all(map(isfinite, row))]
    else:
        low, high = np.array(manifest.training.ranges).T
        outside = ((inputs < low) | (inputs > high)).any(1).tolist()
        bad = np.flatnonzero(~np.isfinite(outputs).all(1)).tolist()
    for index in bad:
        predictions[index] = None
    return to_json(
        {
            "model": manifest.name,
            "version": manifest.version,
            "predictions": predictions,
            "formula": manifest.formula,
            "extrapolated": outside,
            "warnings": [{"row": index, "message": NOT_FINITE} for index in bad],
        }
    )


def _is_outside(row: list[float], ranges: list[tuple[float, float]]) -> bool:
    for value, (low, high) in zip(row, ranges, strict=True):  # noqa: SIM110 - half the time of any()
        if not low <= value <= high:
            return True
    return False


class TabularRequest:
    """A request of ``POST /predict/arithmetic`` and what its answer needs.

    Args:
        context: the request; the seconds of its parts are noted.
        body: its body.

    Raises:
        ServiceError: the body or the rows do not fit.
    """

    __slots__ = ("context", "inputs", "model", "rows")

    def __init__(self, context: RequestContext, body: bytes) -> None:
        started = perf_counter()
        service = context.service
        request = read_request(body, service.settings)
        self.context = context
        self.rows = request.inputs
        self.model = service.repository.get(request.model, request.version)
        service.batching.check_queue_delay(self.model)
        self.inputs = to_array(request, self.model.manifest, service.settings.max_rows)
        service.metrics.observations("decode", context.route).append(perf_counter() - started)

    def start(self, on_result: OnResult) -> None:
        """Hand the outputs, or what went wrong, to a function: at once or when they are there."""
        self.context.service.batching.submit(self.model, self.inputs, self.context, on_result)

    async def outputs(self) -> NDArray[Any]:
        """What the model computes."""
        return await self.context.service.predict(self.model, self.inputs, self.context)

    def response(self, outputs: NDArray[np.float64]) -> RawJSONResponse:
        """The answer, once the model's outputs are known."""
        started = perf_counter()
        answer = RawJSONResponse(encode_response(self.model.manifest, self.rows, self.inputs, outputs))
        self.context.service.metrics.observations("encode", self.context.route).append(perf_counter() - started)
        return answer
