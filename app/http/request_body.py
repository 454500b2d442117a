"""OpenAPI's entries for the bodies of direct routes, which FastAPI does not know."""

from typing import Any

from pydantic import BaseModel

from app.codecs.tables.media_types import ARROW, CSV

TABLE_EXAMPLE = "a,b\n3,4\n1000,-250\n"
TABLE_ANSWER = "a,b,predicted_y,extrapolated,warnings\n3,4,7.0,false,\n1000,-250,750.0,true,\n"
"""Of the model ``add``."""


def body_of(contents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """OpenAPI's entry for the body of a direct route: what ``schema_of`` gives, by media type."""
    return {"requestBody": {"required": True, "content": contents}}


def schema_of(model: type[BaseModel], **encoding: str) -> dict[str, Any]:
    """OpenAPI's entry for a body of one media type.

    Args:
        model: its schema.
        encoding: content types of a form's fields.
    """
    content: dict[str, Any] = {"schema": model.model_json_schema()}
    if encoding:
        content["encoding"] = {field: {"contentType": given} for field, given in encoding.items()}
    return content


def query_of(model: type[BaseModel]) -> dict[str, Any]:
    """OpenAPI's entry for a query that not all media types need; its fields have no null."""
    properties = model.model_json_schema()["properties"]
    parameters = []
    for name, schema in properties.items():
        description, given = schema.pop("description"), schema.get("anyOf", [schema])[0]
        parameters.append({"name": name, "in": "query", "description": description, "schema": given})
    return {"parameters": parameters}


def table_bodies() -> dict[str, dict[str, Any]]:
    """Tables in a request."""
    text = {"type": "string", "description": "The first line names the columns.", "examples": [TABLE_EXAMPLE]}
    stream = {
        "type": "string",
        "format": "binary",
        "description": "An uncompressed Arrow IPC stream, as pyarrow.ipc writes it; needs the extra `tables`.",
    }
    example = {"summary": "The rows of the CSV", "externalValue": "docs/table.arrows"}
    return {CSV: {"schema": text}, ARROW: {"schema": stream, "examples": {"table": example}}}


def table_response() -> dict[int | str, dict[str, Any]]:
    """The answer to a table, beside the JSON."""
    text = {"type": "string", "examples": [TABLE_ANSWER]}
    return {200: {"content": {CSV: {"schema": text}, ARROW: {"schema": {"type": "string", "format": "binary"}}}}}
