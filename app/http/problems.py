"""Errors as responses: RFC 9457 problem details, or under /v2 the error of the Open Inference Protocol.

The first half renders them, the second documents them in OpenAPI.
"""

import http
import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.codecs.validation import invalid_input
from app.errors import ServiceError
from app.http.context import RequestContext
from app.schemas import ERROR_HEADERS, Documented

PROBLEM_TYPE = "application/problem+json"
logger = logging.getLogger(__name__)

MAX_PATH_CHARACTERS = 100
"""Longest path that a message repeats."""
MAX_METHOD_CHARACTERS = 20
"""Longest method that a message repeats."""

RenderError = Callable[[RequestContext, Exception], Response]


def install_error_handlers(app: FastAPI, error_response: RenderError) -> None:
    """Have errors of FastAPI's routes rendered by the same function as all others."""

    async def on_exception(request: Request, error: Exception) -> Response:
        if isinstance(error, RequestValidationError):
            error = invalid_input(error.errors())
        return error_response(request.scope["state"]["context"], error)

    for kind in (HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, on_exception)


def render_problem(context: RequestContext, error: HTTPException) -> Response:
    """The response to a request with an error."""
    detail = _detail(context, error)
    if context.path.startswith("/v2"):
        # the protocol has no 422
        status = 400 if error.status_code == 422 else error.status_code
        return Response(to_json({"error": detail}), status, error.headers, media_type="application/json")
    body = {
        "type": "about:blank",
        "title": http.HTTPStatus(error.status_code).phrase,
        "status": error.status_code,
        "detail": detail,
        "request_id": context.request_id,
        "errors": error.errors if isinstance(error, ServiceError) else [],
    }
    return Response(to_json(body), error.status_code, error.headers, media_type=PROBLEM_TYPE)


def _detail(context: RequestContext, error: HTTPException) -> str:
    path = context.scope["path"][:MAX_PATH_CHARACTERS]
    if error.status_code == 404 and not isinstance(error, ServiceError):
        return f"There is nothing at {path}; GET /docs lists the paths."
    if error.status_code == 405:
        method = context.scope["method"][:MAX_METHOD_CHARACTERS]
        return f"{path} does not take {method}; GET /docs lists the methods it takes."
    return error.detail


def internal_error(context: RequestContext, error: Exception) -> HTTPException:
    """What a client gets to know of an unexpected error: where to find it in the log."""
    path, request_id = context.scope["path"], context.request_id
    logger.error("Request %s to %s failed.", request_id, path, exc_info=error, extra={"request_id": request_id})
    detail = "Something failed in the service; its log has the details under this request_id."
    return HTTPException(500, detail)


class InvalidLocation(Documented):
    """An invalid location in a request, with the reason."""

    location: str
    message: str


class Problem(Documented):
    """An error, as RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = Field(description="As in the X-Request-ID header and the log.")
    errors: list[InvalidLocation]


_DETAIL_EXAMPLES = {
    404: "There is no model 'adds'; GET /models lists all models.",
    413: "The request body is larger than 16777216 bytes; send fewer rows or files at a time.",
    415: "File 0 is not a whole PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or Netpbm image; convert or replace it.",
    422: "Model 'multiply' takes 2 columns (a, b); row 0 has 3.",
    401: "The request carries no API key; send one as 'Authorization: Bearer KEY' or as 'X-API-Key: KEY'.",
    403: "The API key alice may not use a model 'add'; GET /models lists those that it may use.",
    429: "The API key alice has sent more than 100/s, its rate limit; send fewer requests, or ask the service's "
    "operator for a higher limit.",
    408: "The request's body was not received within 30 seconds, which is the limit; send it faster or in parts.",
    503: "16384 rows are queued or running, and 16384 is the limit; try again later.",
}


ENCODING_EXAMPLE = "Content-Encoding is 'br'; send gzip, deflate or identity."
"""Of 415, where a body holds no files."""


def openapi_problems(*statuses: int, **examples: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's entry for the problems that an endpoint may respond with, with an example of each.

    Args:
        statuses: of the problems.
        examples: details other than usual, by status: ``status_415="..."``.
    """
    return {status: openapi_problem(status, examples.get(f"status_{status}")) for status in statuses}


def openapi_problem(status: int, example: str | None = None) -> dict[str, Any]:
    """One of them, without its description."""
    return {"content": {PROBLEM_TYPE: _example(status, example)}, "headers": ERROR_HEADERS.get(status, {})}


def _example(status: int, detail: str | None) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail or _DETAIL_EXAMPLES[status],
        "request_id": "4f0c2d9e8a7b4c1d",
        "errors": [],
    }
    return {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}, "example": example}
