"""The error family, and the one place that renders it, as RFC 9457 problem details."""

import http
import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

if TYPE_CHECKING:
    from app.http.context import RequestContext

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"

MAX_ERRORS = 10
"""Invalid places that one answer lists; a body of a million bad numbers gets no million-line answer."""
MAX_VALUE = 40
"""Characters of a value that an answer repeats."""
_NOT_THE_VALUE = ("missing", "extra_forbidden", "json_invalid", "file")
"""Kinds of pydantic's errors in which the value is not what is wrong."""
MAX_PLACE = 100
"""Characters of a place that an answer repeats; its parts may be keys that the client made up."""


class ServiceError(HTTPException):
    """An error that a client caused or can wait out. The detail names the thing and offers the repair."""

    status = 500
    reason = "error"
    """What it is counted as."""

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.status, detail, headers)
        self.errors: list[dict[str, str]] = []


class UnauthorizedError(ServiceError):
    """No API key, or none that is known."""

    status = 401
    reason = "unauthorized"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class ForbiddenError(ServiceError):
    """What the settings do not allow."""

    status = 403
    reason = "forbidden"


class ModelNotFoundError(ServiceError):
    """No model, or no version of it, bears that name."""

    status = 404
    reason = "model_not_found"


class RequestTimeoutError(ServiceError):
    """The body did not come in time."""

    status = 408
    reason = "timeout"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})


class TooLargeError(ServiceError):
    """The request is over a limit of the settings."""

    status = 413
    reason = "too_large"


class UnsupportedImageError(ServiceError):
    """A file that is no picture of a kind that is served."""

    status = 415
    reason = "not_a_picture"


class InvalidInputError(ServiceError):
    """The request is well-formed but does not fit the model."""

    status = 422
    reason = "invalid"

    def __init__(self, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.errors = errors or []


class UnavailableError(ServiceError):
    """The service cannot answer now; the client may try again after the seconds given."""

    status = 503

    def __init__(self, detail: str, *, reason: str = "loading", retry_after_seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})
        self.reason = reason


def invalid_body(error: ValidationError) -> InvalidInputError:
    """What pydantic found wrong with a body, without repeating the body."""
    return _invalid(error.errors(include_url=False, include_context=False), "body")


def install_error_handlers(app: FastAPI) -> None:
    """Render every error of FastAPI's routes as all others are."""
    app.add_exception_handler(HTTPException, _on_exception)
    app.add_exception_handler(RequestValidationError, _on_exception)
    app.add_exception_handler(Exception, _on_exception)


def render_problem(context: "RequestContext", error: HTTPException) -> Response:
    """An error as an answer: problem details, or under /v2 what the Open Inference Protocol says."""
    path = context.scope["path"]
    detail = error.detail
    if error.status_code == 404 and not isinstance(error, ServiceError):
        detail = f"There is nothing at {path[:MAX_PLACE]}; GET /docs lists what there is."
    elif error.status_code == 405:
        detail = f"{path[:MAX_PLACE]} does not take {context.scope['method'][:20]}; GET /docs says what it takes."
    if path.startswith("/v2"):
        # the protocol knows no 422
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


def internal_error_response(context: "RequestContext", error: Exception) -> Response:
    """What a client is told of an error that nobody foresaw: nothing but where the log has it."""
    path = context.scope["path"]
    logger.error(
        "Request %s to %s failed.", context.request_id, path, exc_info=error, extra={"request_id": context.request_id}
    )
    detail = "Something failed in the service; its log has the details under this request_id."
    return render_problem(context, HTTPException(500, detail))


def _invalid(errors: Sequence[Any], *root: str) -> InvalidInputError:
    listed = [{"location": _place((*root, *error["loc"])), "message": _message(error)} for error in errors[:MAX_ERRORS]]
    more = f" ({len(errors) - 1} more such errors)" if len(errors) > 1 else ""
    return InvalidInputError(f"{listed[0]['location']}: {listed[0]['message']}.{more}", listed)


def _place(parts: tuple[int | str, ...]) -> str:
    place = ".".join(str(part) for part in parts)
    return place if len(place) <= MAX_PLACE else place[: MAX_PLACE - 3] + "..."


def _message(error: Mapping[str, Any]) -> str:
    return str(error["msg"]) + _value(error)


def _value(error: Mapping[str, Any]) -> str:
    """The offending value where a short one is at fault; nothing that a client sent is repeated at length."""
    given = error["input"]
    if error["type"] in _NOT_THE_VALUE or not isinstance(given, str | int | float | None):
        return ""
    try:
        text = json.dumps(given, ensure_ascii=False)
    except ValueError:  # an integer of thousands of digits
        return ""
    return f", not {text}" if len(text) <= MAX_VALUE else ""


async def _on_exception(request: Request, error: Exception) -> Response:
    context: RequestContext = request.scope["state"]["context"]
    if isinstance(error, RequestValidationError):
        error = _invalid(error.errors())
    if isinstance(error, ServiceError):
        context.service.metrics.rejections.labels(error.reason).inc()
    return (
        render_problem(context, error) if isinstance(error, HTTPException) else internal_error_response(context, error)
    )
