"""OpenAPI parts of the V2 endpoints, which read raw requests and so have no signature for FastAPI to document."""

from typing import Any

from app.codecs.image_schemas import EXAMPLE_IMAGE
from app.codecs.v2.schemas import InferRequest, openapi_error
from app.schemas import DOUBLE, NAME, VERSION
from models.manifest import NUMPY_TYPES

_MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"} | NAME, "example": "add"}
_VERSION = {"name": "version", "in": "path", "required": True, "schema": VERSION, "example": 1}
_HEADER_LENGTH = {
    "name": "Inference-Header-Content-Length",
    "in": "header",
    "description": "Bytes of the JSON, where binary data follows it; 0 where the body is one row or image in binary.",
    "schema": {"type": "integer", "minimum": 0},
}
INFER_EXAMPLE = {
    "id": "42",
    "inputs": [{"name": "input", "shape": [2, 2], "datatype": "FP64", "data": [3, 4, 1000, -250]}],
}
FILES_EXAMPLE = {"inputs": [{"name": "input", "shape": [1], "datatype": "BYTES", "data": [EXAMPLE_IMAGE]}]}
"""For a model of images."""
BINARY_EXAMPLE = (
    '{"inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP64", "parameters": {"binary_data_size": 16}}]}'
    "\0\0\0\0\0\0\x08@\0\0\0\0\0\0\x10@"
)
"""3 and 4 as FP64; chosen because their bytes are also text."""

_FLAG = {"type": ["boolean", "null"]}
_COUNT = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**63 - 1}
_REQUEST_PARAMETERS = {
    "binary_data_output": _FLAG | {"description": "Whether outputs follow the response's JSON in binary."},
    "timeout": _COUNT | {"description": "Microseconds that the request may take; 0 for no limit."},
}
_OUTPUT_PARAMETERS = {
    "binary_data": _FLAG | {"description": "Whether this output follows the response's JSON in binary."},
    "classification": _COUNT | {"description": "Top values to return with their labels; 0 for the output itself."},
}


def parameters(path: str) -> dict[str, Any]:
    """The parameters of a path, and the header of infer."""
    found = [parameter for parameter in (_MODEL, _VERSION) if f"{{{parameter['name']}}}" in path]
    return {"parameters": found + [_HEADER_LENGTH] * path.endswith("/infer")}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's responses of the error statuses of an endpoint, with an example of each."""
    return {status: openapi_error(status) for status in statuses}


def infer_body() -> dict[str, Any]:
    """The request body of infer."""
    json = _inlined(_as_served(InferRequest.model_json_schema())) | {"examples": [INFER_EXAMPLE, FILES_EXAMPLE]}
    binary = {
        "type": "string",
        "format": "binary",
        "description": "The JSON, whose inputs have parameter `binary_data_size` and no `data`, then the tensor, "
        f"row-major and little-endian; header `{_HEADER_LENGTH['name']}` has the bytes of the JSON. "
        "Where it is 0, the body is one row or image in binary.",
        "examples": [BINARY_EXAMPLE],
    }
    content = {"application/json": {"schema": json}, "application/octet-stream": {"schema": binary}}
    return {"requestBody": {"required": True, "content": content}}


def infer_response() -> dict[int | str, dict[str, Any]]:
    """The binary form of infer's response, beside the JSON of ``InferResponse``."""
    binary = {
        "type": "string",
        "format": "binary",
        "description": "The JSON, whose outputs have parameter `binary_data_size` and no `data`, then their bytes.",
    }
    length = {"description": "Bytes of the JSON, where binary outputs follow it.", "schema": _HEADER_LENGTH["schema"]}
    return {
        200: {
            "content": {"application/octet-stream": {"schema": binary}},
            "headers": {_HEADER_LENGTH["name"]: length},
        }
    }


def optional_body(example: dict[str, Any], **properties: dict[str, Any]) -> dict[str, Any]:
    """A small, optional JSON body."""
    schema = {"type": "object", "properties": properties, "examples": [example]}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def _as_served(schema: dict[str, Any]) -> dict[str, Any]:
    """The request's schema, narrowed to what the served models accept."""
    input_schema, output_schema = schema["$defs"]["RequestInput"], schema["$defs"]["RequestOutput"]
    schema["properties"]["inputs"]["minItems"] = 1
    _declare(schema, _REQUEST_PARAMETERS)
    _declare(output_schema, _OUTPUT_PARAMETERS)
    input_schema["required"].append("data")
    input_schema["properties"]["datatype"]["enum"] = list(NUMPY_TYPES)
    input_schema["properties"]["shape"]["minItems"] = 1
    input_schema["properties"]["shape"]["items"]["minimum"] = 1
    input_schema["properties"]["data"] = {
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [DOUBLE, {"type": ["boolean", "string", "array"]}]},
        "description": input_schema["properties"]["data"]["description"],
    }
    return schema


def _declare(schema: dict[str, Any], declared: dict[str, Any]) -> None:
    schema["properties"]["parameters"]["properties"] = declared


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its references inlined, as they would not resolve within OpenAPI's document."""
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolve(definitions[part["$ref"].rpartition("/")[2]])
        return {key: resolve(value) for key, value in part.items()}

    inlined: dict[str, Any] = resolve(schema)
    return inlined
