"""Pydantic models of the protocol's JSON, with the protocol's own field names."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field

from app.schemas import ERROR_HEADERS, Documented
from models.manifest import MAX_TENSORS

MAX_ITEMS = MAX_TENSORS
"""Inputs, outputs and axes that a request may list; each costs memory."""

Size = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Text = Annotated[str, Field(strict=True)]
Parameters = Annotated[dict[str, Any] | None, Field(description="Parameters of the protocol's extensions.")]


class RequestInput(BaseModel):
    """An input tensor; its values are in `data`, or follow the JSON as `binary_data_size` bytes."""

    name: Text
    shape: Annotated[list[Size], FailFast(), Field(max_length=MAX_ITEMS)]
    datatype: Text
    parameters: Parameters = None
    data: list[Any] | None = Field(
        None, description="Row-major values, flat or nested as in the shape; of BYTES, image files in base64."
    )


class RequestOutput(BaseModel):
    """A requested output."""

    name: Text
    parameters: Parameters = None


class InferRequest(BaseModel):
    """The JSON of an inference request. Unknown members are ignored, as in Triton."""

    id: Text | None = Field(None, description="Returned in the response.")
    parameters: Parameters = None
    inputs: Annotated[list[RequestInput], FailFast(), Field(max_length=MAX_ITEMS)]
    outputs: Annotated[list[RequestOutput], FailFast(), Field(max_length=MAX_ITEMS)] = Field(
        [], description="All outputs, unless some are listed."
    )


class TensorMetadata(Documented):
    """Name, datatype and shape of an input or output; -1 is free, and the first axis is the batch."""

    name: str
    datatype: str
    shape: list[int]


class ResponseOutput(TensorMetadata):
    """An output tensor: its values, flat and row-major, or the bytes of its binary data."""

    parameters: dict[str, Any] | None = None
    data: list[bool | int | float | str | None] | None = None


class InferResponse(Documented):
    """The JSON of an inference response."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model_name": "add",
                    "model_version": "1",
                    "id": "42",
                    "outputs": [{"name": "output", "datatype": "FP64", "shape": [2, 1], "data": [7.0, 750.0]}],
                }
            ]
        }
    )

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[ResponseOutput]


class ErrorResponse(Documented):
    """The protocol's error: one sentence."""

    error: str


_ERROR_EXAMPLES = {
    400: "Input 'input' has 12 bytes; FP64 of shape [1, 2] has 16.",
    401: "The request carries no API key; send one as 'Authorization: Bearer KEY' or as 'X-API-Key: KEY'.",
    403: "NALU_MODEL_CONTROL is none, so clients may not load or unload models; "
    "start the service with NALU_MODEL_CONTROL=explicit to allow it.",
    404: "There is no model 'adds'; GET /models lists all models.",
    408: "The request's body was not received within 30 seconds, which is the limit; send it faster or in parts.",
    413: "The request has 200000 rows; at most 100000 are taken, so send several.",
    415: "Content-Encoding is 'br'; send gzip, deflate or identity.",
    429: "The API key alice has sent more than 100/s, its rate limit; send fewer requests, or ask the service's "
    "operator for a higher limit.",
    503: "16384 rows are queued or running, and 16384 is the limit; try again later.",
}


def openapi_error(status: int) -> dict[str, Any]:
    """OpenAPI's response of an error status, with an example, but without a description."""
    schema = {"$ref": f"#/components/schemas/{ErrorResponse.__name__}"}
    content = {"application/json": {"schema": schema, "example": {"error": _ERROR_EXAMPLES[status]}}}
    return {"content": content, "headers": ERROR_HEADERS.get(status, {})}


class ServerMetadata(Documented):
    """Name, version and extensions of the server."""

    name: str
    version: str
    extensions: list[str]


class ModelMetadata(Documented):
    """Inputs and outputs of a model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelNames(Documented):
    """The names of all models that are served."""

    models: list[str]


class ServerLive(Documented):
    """Liveness of the process."""

    live: Literal[True]


class ServerReady(Documented):
    """Readiness of the server, or of the model named."""

    ready: bool
    name: str | None = None


class IndexItem(Documented):
    """One version in the repository; `reason` is why it is not served."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE", "LOADING"]
    reason: str
