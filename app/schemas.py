"""The HTTP shapes: what requests hold and answers look like, with an example of each."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from models.manifest import NAME_PATTERN, Manifest, ModelTask

PROBLEM_TYPE = "application/problem+json"
"""Media type of errors."""
MAX_VERSION = 10**9

DOUBLE: dict[str, Any] = {"type": "number", "format": "double"}
"""JSON Schema of a number that float64 holds. No decimal bound says it: what lies past the largest may round to it."""
NAME: dict[str, Any] = {"pattern": NAME_PATTERN}
"""JSON Schema of a model's name. It is told and not checked: another name is that of no model: 404, not 422."""
VERSION: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_VERSION}
"""JSON Schema of a version where there is no null: what is not given is left out of paths, queries and forms."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False), WithJsonSchema(DOUBLE)]
Row = Annotated[list[Number], FailFast(), Field(json_schema_extra={"minItems": 1})]
"""minItems is told and not checked: a message about the model's columns says more than one about an empty list.
Failing fast: a body of millions of bad numbers would make gigabytes of errors."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ArithmeticRequest(_Request):
    """Rows of numbers for an arithmetic model."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "add", "inputs": [[3, 4], [1000, -250]]}]})

    model: Annotated[
        str, Field(strict=True, description="Name of the model; GET /models lists them.", json_schema_extra=NAME)
    ]
    version: Annotated[int, Field(strict=True, ge=1, le=MAX_VERSION)] | None = Field(
        None, description="Version of the model; the highest by default."
    )
    inputs: Annotated[list[Row], FailFast()] = Field(
        min_length=1, description="One row a prediction, one number a column; no NaN and no infinity."
    )


def _is_file(value: object) -> object:
    if not isinstance(value, bytes):
        raise PydanticCustomError("file", "Input should be a file")
    return value


File = Annotated[bytes, BeforeValidator(_is_file), WithJsonSchema({"type": "string", "format": "binary"})]


class ImageForm(BaseModel):
    """Images for an image model."""

    # Swagger UI offers a file picker for this form of the schema
    model: str = Field(
        description="Name of the model; GET /models lists them.", examples=["digit"], json_schema_extra=NAME
    )
    version: Annotated[Annotated[int, Field(ge=1, le=MAX_VERSION)] | None, WithJsonSchema(VERSION)] = Field(
        default_factory=lambda: None,  # which is not told
        description="Version of the model; the highest by default.",
    )
    files: list[File] = Field(min_length=1, description="PNG, JPEG or WebP images.")


class ArithmeticWarning(BaseModel):
    """Something to know about one row."""

    row: int = Field(description="Index of the row in the request.")
    message: str


class ArithmeticResponse(BaseModel):
    """Predictions for the rows of a request, in their order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "add",
                    "version": 1,
                    "predictions": [[7.0], [750.0]],
                    "formula": "a + b",
                    "extrapolated": [False, True],
                    "warnings": [],
                }
            ]
        }
    )

    model: str
    version: int
    predictions: list[list[float] | None] = Field(
        description="One list of outputs a row; null where a result is not finite, which `warnings` then names."
    )
    formula: str | None = Field(description="What the model computes for every input, where that is known.")
    extrapolated: list[bool] = Field(description="Whether the row lies outside the range the model was trained on.")
    warnings: list[ArithmeticWarning]


class Value(BaseModel):
    """A regression model's answer for one image; null where it is not finite, which `warnings` then names."""

    value: float | None


class Label(BaseModel):
    """A classification model's answer for one image: the most probable class, and the probability of each."""

    label: str | None
    probabilities: dict[str, float | None]


class ImageWarning(BaseModel):
    """Something to know about one image."""

    file: int = Field(description="Index of the file in the request.")
    message: str


class ImageResponse(BaseModel):
    """Predictions for the images of a request, in their order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "digit-value",
                    "version": 1,
                    "task": "image-regression",
                    "predictions": [{"value": 2.97}],
                    "warnings": [],
                }
            ]
        }
    )

    model: str
    version: int
    task: ModelTask
    predictions: list[Value | Label]
    warnings: list[ImageWarning]


class ModelList(BaseModel):
    """The latest version of every model."""

    models: list[Manifest]


class ModelState(BaseModel):
    """What is known of one version folder."""

    name: str
    version: int
    state: Literal["ready", "damaged"]
    reason: str | None = Field(description="What is wrong with a damaged folder.")


class Live(BaseModel):
    """The process runs."""

    live: Literal[True]


class Ready(BaseModel):
    """Whether requests should be sent here, and the state of every model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ready": True, "models": [{"name": "add", "version": 1, "state": "ready", "reason": None}]},
            ]
        }
    )

    ready: bool
    models: list[ModelState]


class ErrorPlace(BaseModel):
    """One invalid place of a request."""

    location: str
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = Field(description="Also in the X-Request-ID header and in the service's log.")
    errors: list[ErrorPlace]


_DETAILS = {
    404: "There is no model 'adds'; GET /models lists all models.",
    413: "The request body is larger than 16777216 bytes; send fewer rows or files at a time.",
    415: "File 0 is not a whole PNG, JPEG or WebP image; convert or replace it.",
    422: "Model 'multiply' takes 2 columns (a, b); row 0 has 3.",
    401: "The request carries no API key; send one as 'Authorization: Bearer KEY' or as 'X-API-Key: KEY'.",
    408: "The request's body had not come within 30 seconds, which is the limit; send it faster or in parts.",
    503: "16384 rows are queued or running, and 16384 is the limit; try again later.",
}


ERROR_HEADERS: dict[int, dict[str, Any]] = {
    401: {
        "WWW-Authenticate": {"description": "How to show a key.", "required": True, "schema": {"const": "Bearer"}},
    },
    503: {
        "Retry-After": {
            "description": "Seconds after which to try again.",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        },
    },
}
"""The headers that errors of a status have."""


def body_of(media_type: str, model: type[BaseModel], **encoding: str) -> dict[str, Any]:
    """OpenAPI's entry for the body of a direct route; ``encoding`` has the content types of a form's fields."""
    content: dict[str, Any] = {"schema": model.model_json_schema()}
    if encoding:
        content["encoding"] = {field: {"contentType": given} for field, given in encoding.items()}
    return {"requestBody": {"required": True, "content": {media_type: content}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's entry for the errors that an endpoint may answer, with an example of each."""
    return {status: {"model": Problem} | problem(status) for status in statuses}


def problem(status: int) -> dict[str, Any]:
    """One of them, but for its description."""
    return {"content": {PROBLEM_TYPE: _example(status)}, "headers": ERROR_HEADERS.get(status, {})}


def _example(status: int) -> dict[str, Any]:
    example = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_DETAILS[status],
        request_id="4f0c2d9e8a7b4c1d",
        errors=[],
    )
    return {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example.model_dump()}
