"""Schemas of requests and responses, with an example of each."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, WithJsonSchema

from models.manifest import NAME_PATTERN, Manifest, ModelTask

MAX_VERSION = 10**9

DOUBLE: dict[str, Any] = {"type": "number", "format": "double"}
"""JSON Schema of a float64. It has no decimal bounds: a number past the largest float64 may round to it."""
NAME: dict[str, Any] = {"pattern": NAME_PATTERN}
"""JSON Schema of a model's name. Documented, not enforced: a name that does not match it gets 404."""
VERSION: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_VERSION}
"""JSON Schema of a version in paths, queries and forms, which have no null."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False), WithJsonSchema(DOUBLE)]
Row = Annotated[list[Number], FailFast(), Field(json_schema_extra={"minItems": 1})]
"""minItems is documented, not enforced: a message about the model's columns is clearer than one about an empty list.
Validation stops at the first error: a body of millions of bad numbers would make gigabytes of errors."""


class Request(BaseModel):
    """A request in JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ArithmeticRequest(Request):
    """Rows of numbers for an arithmetic model."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "add", "inputs": [[3, 4], [1000, -250]]}]})

    model: Annotated[
        str, Field(strict=True, description="Name of the model; GET /models lists them.", json_schema_extra=NAME)
    ]
    version: Annotated[int, Field(strict=True, ge=1, le=MAX_VERSION)] | None = Field(
        None, description="Version of the model; the highest by default."
    )
    inputs: Annotated[list[Row], FailFast()] = Field(
        min_length=1, description="Rows, one number a column; finite numbers only."
    )
    intervals: bool = Field(
        False, strict=True, description="Whether to respond with intervals too; only laws found in a table have them."
    )
    level: Annotated[float, Field(strict=True, gt=0, lt=1)] = Field(
        0.95, description="Of the intervals: 0.5, 0.68, 0.8, 0.9, 0.95 or 0.99, the share of observations in them."
    )


class TableQuery(Request):
    """The query of a table, which names its model."""

    model: str = Field(description="Name of a table's model; GET /models lists them.", json_schema_extra=NAME)
    version: int | None = Field(None, ge=1, le=MAX_VERSION, description="Version of the model; the highest by default.")


class Documented(BaseModel):
    """Documents a response that is encoded without it, so pydantic prepares it for the OpenAPI document only."""

    model_config = ConfigDict(defer_build=True)


class ArithmeticWarning(Documented):
    """A warning about one row."""

    row: int = Field(description="Index of the row in the request.")
    message: str


class ArithmeticResponse(Documented):
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
        description="Outputs of each row; null where one is not finite, which `warnings` lists."
    )
    formula: str | None = Field(description="What the model computes, as a formula, where it is known.")
    extrapolated: list[bool | None] = Field(
        description="Whether each row is outside the training range; null: unknown."
    )
    warnings: list[ArithmeticWarning]
    intervals: list[tuple[float, float] | None] = Field(
        default_factory=list,  # keeps a default out of the schema: it is left out instead
        description="Only with `intervals` in the request: the lowest and highest value of a new observation of each "
        "row; null where one is not finite, which `warnings` lists.",
    )


class Value(Documented):
    """A regression model's prediction for one image; null where it is not finite, which `warnings` lists."""

    value: float | None


class Label(Documented):
    """A classification model's prediction for one image: the most probable class, and the probability of each."""

    label: str | None
    probabilities: dict[str, float | None]


class ImageWarning(Documented):
    """A warning about one image."""

    file: int = Field(description="Index of the file in the request.")
    message: str


class ImageResponse(Documented):
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
    """State of one version folder."""

    name: str
    version: int
    state: Literal["ready", "damaged"]
    reason: str | None = Field(description="Why a damaged folder is not served.")


class Live(BaseModel):
    """The process runs."""

    live: Literal[True]


class Ready(BaseModel):
    """Whether the service accepts requests, and the state of every model.

    ``status``, ``since`` and ``reason`` are there only where something is wrong with the folder of the models.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ready": True, "models": [{"name": "add", "version": 1, "state": "ready", "reason": None}]},
                {
                    "ready": True,
                    "status": "degraded",
                    "since": "2026-05-04T08:00:00Z",
                    "reason": "/repository cannot be read: Stale file handle.",
                    "models": [{"name": "add", "version": 1, "state": "ready", "reason": None}],
                },
            ]
        }
    )

    ready: bool
    status: Literal["degraded", "unavailable", "empty"] = Field(
        default_factory=lambda: "degraded",  # keeps defaults out of the schema: these are left out instead
        description="degraded: the repository is unavailable, and the loaded models are served on; unavailable: it is, "
        "and no model is loaded; empty: it has no model that can be served.",
    )
    since: str = Field(
        default_factory=str,
        description="When the folder was first found to be unavailable, or the object store last read, in UTC.",
        json_schema_extra={"format": "date-time"},
    )
    reason: str = Field(default_factory=str, description="Why.")
    models: list[ModelState]


_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which to retry.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
}
ERROR_HEADERS: dict[int, dict[str, Any]] = {
    401: {
        "WWW-Authenticate": {"description": "Scheme of the API key.", "required": True, "schema": {"const": "Bearer"}},
    },
    415: {
        "Accept-Encoding": {
            "description": "Content-Encodings that are taken, where that of the request is not.",
            "schema": {"type": "string"},
        },
    },
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
"""Headers of the errors of each status."""
