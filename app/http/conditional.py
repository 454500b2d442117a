"""Responses with an ETag, which are not sent again to a client that has them."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Header
from pydantic import WithJsonSchema
from starlette.responses import Response

IfNoneMatch = Annotated[
    str | None,
    Header(description="ETags of responses that the client has."),
    WithJsonSchema({"type": "string"}),
]


def etag_response(
    content: bytes,
    tag: str,
    if_none_match: str | None,
    *,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response with an ETag, or 304 without a body where the client has it.

    Args:
        content: the body.
        tag: of the content, without quotes; it changes with the content.
        if_none_match: the request's header.
        media_type: of the content.
        headers: further ones of the response.
    """
    every = {"ETag": f'"{tag}"', "Cache-Control": "no-cache", **(headers or {})}
    known = {each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")}
    if known & {"*", every["ETag"]}:
        return Response(status_code=304, headers=every)
    return Response(content, headers=every, media_type=media_type)


def openapi_not_modified() -> dict[int | str, dict[str, Any]]:
    """OpenAPI's entry for 304."""
    return {304: {"description": "The client has the response."}}
