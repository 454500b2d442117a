"""OpenAPI's entries for the bodies of direct routes, which FastAPI does not know."""

from typing import Any

from pydantic import BaseModel


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
