"""What OpenAPI says of the endpoints; they take requests as they come, so FastAPI cannot read it off them."""

from typing import Any

from app.codecs.v2.schemas import ErrorResponse, InferRequest, openapi_error
from app.schemas import DOUBLE, NAME, VERSION

_MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"} | NAME, "example": "add"}
_VERSION = {"name": "version", "in": "path", "required": True, "schema": VERSION, "example": 1}
_HEADER_LENGTH = {
    "name": "Inference-Header-Content-Length",
    "in": "header",
    "description": "Bytes of the JSON, where tensors follow it; 0 where the body is nothing but one row or picture.",
    "schema": {"type": "integer", "minimum": 0},
}
INFER_EXAMPLE = {
    "id": "42",
    "inputs": [{"name": "input", "shape": [2, 2], "datatype": "FP64", "data": [3, 4, 1000, -250]}],
}
BINARY_EXAMPLE = (
    '{"inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP64", "parameters": {"binary_data_size": 16}}]}'
    "\0\0\0\0\0\0\x08@\0\0\0\0\0\0\x10@"
)
"""3 and 4, in bytes that are text too."""

_FLAG = {"type": ["boolean", "null"]}
_COUNT = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**63 - 1}
_REQUEST_PARAMETERS = {
    "binary_data_output": _FLAG | {"description": "Whether outputs follow the answer's JSON as bytes."},
    "timeout": _COUNT | {"description": "Microseconds that the answer may take; 0 for no limit."},
}
_OUTPUT_PARAMETERS = {
    "binary_data": _FLAG | {"description": "Whether this output follows the answer's JSON as bytes."},
    "classification": _COUNT | {"description": "How many of the highest values to name; 0 for the output itself."},
}


def parameters(path: str) -> dict[str, Any]:
    """The parameters in a path, and the header of infer."""
    found = [parameter for parameter in (_MODEL, _VERSION) if f"{{{parameter['name']}}}" in path]
    return {"parameters": found + [_HEADER_LENGTH] * path.endswith("/infer")}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's entry for the errors that an endpoint may answer, with an example of each."""
    return {status: {"model": ErrorResponse} | openapi_error(status) for status in statuses}


def infer_body() -> dict[str, Any]:
    """The request body of infer."""
    json = _inlined(_as_answered(InferRequest.model_json_schema())) | {"examples": [INFER_EXAMPLE]}
    binary = {
        "type": "string",
        "format": "binary",
        "description": "The JSON, whose inputs have parameter `binary_data_size` and no `data`, then the tensor, "
        f"row-major and little-endian; header `{_HEADER_LENGTH['name']}` has the bytes of the JSON. "
        "Where it is 0, the body is nothing but one row or picture.",
        "examples": [BINARY_EXAMPLE],
    }
    content = {"application/json": {"schema": json}, "application/octet-stream": {"schema": binary}}
    return {"requestBody": {"required": True, "content": content}}


def infer_response() -> dict[int | str, dict[str, Any]]:
    """The form of infer's answer that the model of its JSON does not tell."""
    binary = {
        "type": "string",
        "format": "binary",
        "description": "The JSON, whose outputs have parameter `binary_data_size` and no `data`, then their bytes.",
    }
    length = {"description": "Bytes of the JSON, where outputs follow it.", "schema": _HEADER_LENGTH["schema"]}
    return {
        200: {
            "content": {"application/octet-stream": {"schema": binary}},
            "headers": {_HEADER_LENGTH["name"]: length},
        }
    }


def optional_body(example: dict[str, Any], **properties: dict[str, Any]) -> dict[str, Any]:
    """A small JSON body that may be left out."""
    schema = {"type": "object", "properties": properties, "examples": [example]}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def _as_answered(schema: dict[str, Any]) -> dict[str, Any]:
    """The request's schema without what the protocol allows and every model here refuses, with a message of its own."""
    given, wanted = schema["$defs"]["RequestInput"], schema["$defs"]["RequestOutput"]
    schema["properties"]["inputs"] |= {"minItems": 1, "maxItems": 1}
    schema["properties"]["outputs"]["maxItems"] = 1
    _know(schema, _REQUEST_PARAMETERS)
    _know(wanted, _OUTPUT_PARAMETERS)
    given["required"].append("data")
    given["properties"]["datatype"]["enum"] = ["FP64", "FP32", "UINT8"]
    given["properties"]["shape"] |= {"minItems": 2, "maxItems": 4}
    given["properties"]["shape"]["items"]["minimum"] = 1
    given["properties"]["data"] = {
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [DOUBLE, {"type": "array"}]},
        "description": given["properties"]["data"]["description"],
    }
    return schema


def _know(schema: dict[str, Any], known: dict[str, Any]) -> None:
    schema["properties"]["parameters"]["properties"] = known


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without references, which would point to nothing within OpenAPI's document."""
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
