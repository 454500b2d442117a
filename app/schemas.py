"""The HTTP shapes: what requests hold and answers look like, with an example of each."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.errors import PROBLEM_TYPE
from models.manifest import Manifest, ModelTask

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


MAX_VERSION = 10**9


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ArithmeticRequest(_Request):
    """Rows of numbers for an arithmetic model."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "add", "inputs": [[3, 4], [1000, -250]]}]})

    model: Annotated[str, Field(strict=True, description="Name of the model; GET /models lists them.")]
    version: Annotated[int, Field(strict=True, ge=1, le=MAX_VERSION)] | None = Field(
        None, description="Version of the model; the highest by default."
    )
    inputs: list[list[Number]] = Field(
        min_length=1, description="One row a prediction, one number a column; no NaN and no infinity."
    )


class ArithmeticWarning(BaseModel):
    """Something to know about one row."""

    row: int = Field(description="Index of the row in the request.")
    message: str


class ArithmeticAnswer(BaseModel):
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
    """A regression model's answer for one picture; null where it is not finite, which `warnings` then names."""

    value: float | None


class Label(BaseModel):
    """A classification model's answer for one picture: the most probable class, and the probability of each."""

    label: str | None
    probabilities: dict[str, float | None]


class PictureWarning(BaseModel):
    """Something to know about one picture."""

    file: int = Field(description="Index of the file in the request.")
    message: str


class PictureAnswer(BaseModel):
    """Predictions for the pictures of a request, in their order."""

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
    warnings: list[PictureWarning]


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
    404: "There is no model 'adds'; GET /models lists what there is.",
    413: "The request body is larger than 16777216 bytes; send fewer rows or files at a time.",
    415: "File 0 is not a whole PNG, JPEG or WebP picture; convert or replace it.",
    422: "Model 'multiply' takes 2 columns (a, b); row 0 has 3.",
    503: "256 predictions are waiting, which is the limit; try again later.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's entry for the errors that an endpoint may answer, with an example of each."""
    return {status: {"model": Problem, "content": {PROBLEM_TYPE: _example(status)}} for status in statuses}


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
