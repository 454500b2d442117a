"""Responses with an ETag, which are not sent again to a client that has them."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from app.http.context import RequestContext

IF_NONE_MATCH: dict[str, Any] = {
    "name": "if-none-match",
    "in": "header",
    "required": False,
    "description": "ETags of responses that the client has.",
    "schema": {"type": "string", "title": "If-None-Match"},
}
"""OpenAPI's entry for the header."""


def etag_response(
    context: RequestContext,
    content: bytes,
    tag: str,
    *,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response with an ETag, or 304 without a body where the client has it.

    Args:
        context: the request, whose If-None-Match lists what the client has.
        content: the body.
        tag: of the content, without quotes; it changes with the content.
        media_type: of the content.
        headers: further ones of the response.
    """
    every = {"ETag": f'"{tag}"', "Cache-Control": "no-cache", **(headers or {})}
    known = {each.strip().removeprefix("W/") for each in context.headers.get("if-none-match", "").split(",")}
    if known & {"*", every["ETag"]}:
        return Response(status_code=304, headers=every)
    return Response(content, headers=every, media_type=media_type)


def openapi_not_modified() -> dict[int | str, dict[str, Any]]:
    """OpenAPI's entry for 304."""
    return {304: {"description": "The client has the response."}}
