"""The shapes of the protocol: what its JSON holds, by the protocol's own names."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field

MAX_ITEMS = 64
"""Most inputs, outputs and axes that are read at all. No model here has as many, and each costs memory."""

Size = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Text = Annotated[str, Field(strict=True)]
Parameters = Annotated[dict[str, Any] | None, Field(description="What the protocol's extensions read.")]


class RequestInput(BaseModel):
    """An input tensor; its numbers are in `data`, or follow the JSON as `binary_data_size` bytes."""

    name: Text
    shape: Annotated[list[Size], FailFast(), Field(max_length=MAX_ITEMS)]
    datatype: Text
    parameters: Parameters = None
    data: list[Any] | None = Field(None, description="Row-major numbers, flat or nested as the shape says.")


class RequestOutput(BaseModel):
    """An output that is asked for."""

    name: Text
    parameters: Parameters = None


class InferRequest(BaseModel):
    """The JSON of an inference request. Members that are not named here are ignored, as Triton ignores them."""

    id: Text | None = Field(None, description="Comes back in the answer.")
    parameters: Parameters = None
    inputs: Annotated[list[RequestInput], FailFast(), Field(max_length=MAX_ITEMS)]
    outputs: Annotated[list[RequestOutput], FailFast(), Field(max_length=MAX_ITEMS)] = Field(
        [], description="All, unless some are named."
    )


class TensorMetadata(BaseModel):
    """Name, datatype and shape of an input or output; -1 is free, and the first axis is the batch."""

    name: str
    datatype: str
    shape: list[int]


class AnswerOutput(TensorMetadata):
    """An output tensor: its numbers, flat and row-major, or the size of what follows the JSON."""

    parameters: dict[str, Any] | None = None
    data: list[float | str | None] | None = None


class InferAnswer(BaseModel):
    """The JSON of an answer."""

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
    outputs: list[AnswerOutput]


class ErrorAnswer(BaseModel):
    """What is wrong, in one sentence."""

    error: str


class ServerMetadata(BaseModel):
    """Name, version and extensions of the server."""

    name: str
    version: str
    extensions: list[str]


class ModelMetadata(BaseModel):
    """What a model takes and answers."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelNames(BaseModel):
    """The names of all models that are served."""

    models: list[str]


class Live(BaseModel):
    """The process runs."""

    live: Literal[True]


class Ready(BaseModel):
    """Whether requests should be sent; with the name where one model was asked for."""

    ready: bool
    name: str | None = None


class IndexItem(BaseModel):
    """One version in the repository; `reason` says why it is not served."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE", "LOADING"]
    reason: str
