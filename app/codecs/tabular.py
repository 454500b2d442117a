"""Arithmetic models: from a JSON body to rows of numbers, and the response to a model's outputs.

msgspec decodes valid bodies, at a fraction of the cost; what it rejects is left to pydantic, which words the errors.
A few rows are checked in plain Python: NumPy's overhead for small arrays exceeds the cost of the model.
"""

from math import isfinite
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from app.codecs.intervals import add_intervals
from app.codecs.json_limits import check_json, check_values
from app.codecs.rows import read_rows
from app.codecs.validation import invalid_body
from app.errors import InvalidInputError, TooLargeError
from app.observability.extrapolation import MAX_PYTHON_ROWS, bounds_of, outside_ranges
from app.schemas import MAX_VERSION, ArithmeticRequest
from app.settings import Settings
from models.manifest import Manifest
from models.uncertainty import SPREAD_OUTPUTS, Quantiles

NOT_FINITE = "The result is not finite: a division by zero or an overflow."


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    """The same as ``ArithmeticRequest``, for msgspec; it takes any JSON for inputs."""

    model: str
    inputs: msgspec.Raw
    version: Annotated[int, msgspec.Meta(ge=1, le=MAX_VERSION)] | None = None
    intervals: bool = False
    level: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.95


RowsInput = NDArray[np.float64] | list[list[float]]
"""The rows of a request: an array, or lists where they are not all of one width."""

_decode = msgspec.json.Decoder(_Body).decode
_encode = msgspec.json.Encoder().encode
_RESPONSE = b'{"model":%b,"version":%d,"predictions":%b,"formula":%b,"extrapolated":%b,"warnings":[]}'
_validate = ArithmeticRequest.__pydantic_validator__.validate_json


def decode_request(body: bytes, settings: Settings) -> tuple[ArithmeticRequest | _Body, RowsInput]:
    """Decode and validate a body; returns its members, and its rows.

    Raises:
        InvalidInputError: it is no JSON, is nested deeper than the limit, or does not match the schema.
        TooLargeError: it holds more values than the limit.
    """
    try:
        check_values(body, settings.max_json_values)
        members = _decode(body)
        rows = read_rows(bytes(members.inputs))
        if rows is not None:
            return members, rows
    # msgspec's errors and UnicodeDecodeError are ValueErrors; of inputs nested very deep, it raises RecursionError
    except (TooLargeError, ValueError, RecursionError):
        pass
    check_json(body, settings.max_json_depth, settings.max_json_values)
    try:
        request: ArithmeticRequest = _validate(body)
    except ValidationError as error:
        raise invalid_body(error) from error
    return request, request.inputs


def to_array(rows: RowsInput, manifest: Manifest, max_rows: int) -> NDArray[np.float64]:
    """The rows as the model's input, ``(rows, columns)``.

    Raises:
        InvalidInputError: the model takes images, or a row has another width.
        TooLargeError: there are more rows than the limit.
    """
    if manifest.task != "arithmetic":
        raise InvalidInputError(other_task(manifest))
    if len(rows) > max_rows:
        raise TooLargeError(f"The request has {len(rows)} rows; at most {max_rows} are taken, so send several.")
    width = manifest.inputs[0].shape[1]
    if isinstance(rows, np.ndarray) and rows.shape[1] == width:
        return rows
    if {*map(len, rows)} != {width}:
        raise _wrong_width(manifest, rows, width)
    return np.array(rows, np.float64)


def _wrong_width(manifest: Manifest, rows: RowsInput, expected: int) -> InvalidInputError:
    """The error of the first row that has another width."""
    index, width = next((index, len(row)) for index, row in enumerate(rows) if len(row) != expected)
    columns = manifest.columns
    takes = f"{len(columns)} column{'s' * (len(columns) > 1)} ({', '.join(columns)})"
    message = f"Model '{manifest.name}' takes {takes}; row {index} has {width}."
    return InvalidInputError(message, [{"location": f"body.inputs.{index}", "message": message}])


def encode_response(
    manifest: Manifest,
    inputs: NDArray[np.float64],
    outputs: NDArray[np.float64],
    quantiles: Quantiles | None = None,
    outside: NDArray[np.bool_] | None = None,
) -> bytes:
    """Encode predictions as JSON.

    Args:
        manifest: of the model.
        inputs: the rows of the request, ``(rows, columns)``.
        outputs: ``(rows, outputs)``; a row that is not finite becomes null, with a warning.
        quantiles: of intervals; then ``outputs`` has what they are made of too. None: without intervals.
        outside: whether each row lies outside the training range. None: that is yet to be found out.
    """
    flags: list[bool | None] | None = None
    if outside is not None or len(inputs) > MAX_PYTHON_ROWS:
        outside = extrapolated(inputs, manifest) if outside is None else outside
        flags = [None] * len(inputs) if outside is None else outside.tolist()
        body = _encode_finite(manifest, outputs, flags) if quantiles is None else None
        if body is not None:
            return body
    if quantiles is None:
        return _encode(_response(manifest, inputs, outputs, flags))
    outputs, spread = np.split(outputs, [-SPREAD_OUTPUTS], axis=1)
    response = _response(manifest, inputs, outputs, flags)
    add_intervals(response, outputs, spread, quantiles)
    return _encode(response)


def _response(
    manifest: Manifest,
    inputs: NDArray[np.float64],
    outputs: NDArray[np.float64],
    flags: list[bool | None] | None,
) -> dict[str, Any]:
    """The response without intervals; the flags of a few rows may be None, and are yet to be found out."""
    predictions: list[Any] = outputs.tolist()
    if flags is None:
        flags, bad = _check_rows(inputs.tolist(), predictions, manifest.training.ranges)
    else:
        bad = np.flatnonzero(~np.isfinite(outputs).all(1)).tolist()
    for index in bad:
        predictions[index] = None
    return {
        "model": manifest.name,
        "version": manifest.version,
        "predictions": predictions,
        "formula": manifest.formula,
        "extrapolated": flags,
        "warnings": [{"row": index, "message": NOT_FINITE} for index in bad],
    }


def _encode_finite(manifest: Manifest, outputs: NDArray[np.float64], flags: list[bool | None]) -> bytes | None:
    """The response in half the time; None where a row is not finite."""
    if outputs.shape[1] == 1 < len(outputs):  # one list of all is written in half the time of a list for each row
        predictions = b"[" + _encode(outputs.ravel().tolist()).replace(b",", b"],[") + b"]"
    else:
        predictions = _encode(outputs.tolist())
    if b"n" in predictions:  # null, in the place of what is not finite
        return None
    name, formula = _encode(manifest.name), _encode(manifest.formula)
    return _RESPONSE % (name, manifest.version, predictions, formula, _encode(flags))


def other_task(manifest: Manifest) -> str:
    """Why a model does not take the request, and what takes it."""
    name, of_image = manifest.name, manifest.image is not None
    if manifest.task == "tensors":
        return f"Model '{name}' takes tensors of its own; use POST /v2/models/{name}/infer."
    if of_image:
        return f"Model '{name}' takes images, not numbers; use POST /predict/image."
    return f"Model '{name}' takes numbers, not images; use POST /predict/arithmetic."


def extrapolated(inputs: NDArray[np.float64], manifest: Manifest) -> NDArray[np.bool_] | None:
    """Whether each row, of ``(rows, columns)``, lies outside the training range; None where that is not known."""
    ranges = manifest.training.ranges
    return outside_ranges(inputs, bounds_of(ranges)) if ranges else None


def _check_rows(
    rows: list[list[float]], predictions: list[list[float]], ranges: list[tuple[float, float]]
) -> tuple[list[bool | None], list[int]]:
    """Whether each row is outside the training range, None where that is not known, and the rows not finite.

    A single loop: calls, comprehensions and any() would take twice as long.
    """
    outside: list[bool | None] = [None] * len(rows)
    bad = []
    for index, row in enumerate(rows):
        for value, (low, high) in zip(row, ranges, strict=False):  # of some imported models, no range is known
            outside[index] = not low <= value <= high
            if outside[index]:
                break
        for value in predictions[index]:
            if not isfinite(value):
                bad.append(index)
                break
    return outside, bad
