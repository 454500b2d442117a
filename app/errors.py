"""The error family, and the one place that renders it, as RFC 9457 problem details."""

import http
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"

MAX_ERRORS = 10
"""Invalid places that one answer lists; a body of a million bad numbers gets no million-line answer."""
MAX_VALUE = 40
"""Characters of a value that an answer repeats."""
_NOT_THE_VALUE = ("missing", "extra_forbidden", "json_invalid")
"""Kinds of pydantic's errors in which the value is not what is wrong."""
MAX_PLACE = 100
"""Characters of a place that an answer repeats; its parts may be keys that the client made up."""


class ServiceError(HTTPException):
    """An error that a client caused or can wait out. The detail names the thing and offers the repair."""

    status = 500

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.status, detail, headers)
        self.errors: list[dict[str, str]] = []


class ModelNotFoundError(ServiceError):
    """No model, or no version of it, bears that name."""

    status = 404


class TooLargeError(ServiceError):
    """The request is over a limit of the settings."""

    status = 413


class NotAPictureError(ServiceError):
    """A file that is no picture of a kind that is served."""

    status = 415


class InvalidInputError(ServiceError):
    """The request is well-formed but does not fit the model."""

    status = 422

    def __init__(self, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.errors = errors or []


class UnavailableError(ServiceError):
    """The service cannot answer now; the client may try again after the seconds given."""

    status = 503

    def __init__(self, detail: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


def invalid_body(error: ValidationError) -> InvalidInputError:
    """What pydantic found wrong with a body, without repeating the body."""
    return _invalid(error.errors(include_url=False, include_context=False), "body")


def install_error_handlers(app: FastAPI) -> None:
    """Render every error of the application as problem details."""
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)


def problem(
    request_id: str,
    status: int,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Problem details as a response."""
    body = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
        "errors": errors or [],
    }
    return JSONResponse(body, status, headers, media_type=PROBLEM_TYPE)


def crashed(request_id: str, path: str, error: Exception) -> JSONResponse:
    """What a client is told of an error that nobody foresaw: nothing but where the log has it."""
    logger.error("Request %s to %s failed.", request_id, path, exc_info=error)
    return problem(request_id, 500, "Something failed in the service; its log has the details under this request_id.")


def _invalid(errors: Sequence[Any], *root: str) -> InvalidInputError:
    listed = [{"location": _place((*root, *error["loc"])), "message": _message(error)} for error in errors[:MAX_ERRORS]]
    more = f" ({len(errors) - 1} more such errors)" if len(errors) > 1 else ""
    return InvalidInputError(f"{listed[0]['location']}: {listed[0]['message']}.{more}", listed)


def _place(parts: tuple[int | str, ...]) -> str:
    place = ".".join(str(part) for part in parts)
    return place if len(place) <= MAX_PLACE else place[: MAX_PLACE - 3] + "..."


def _message(error: Mapping[str, Any]) -> str:
    if "UploadFile" in error["msg"]:  # FastAPI speaks of its own classes here
        return "Input should be a file"
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


def _request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    errors = error.errors if isinstance(error, ServiceError) else []
    detail = error.detail
    if error.status_code == 404 and not isinstance(error, ServiceError):
        detail = f"There is nothing at {request.url.path[:MAX_PLACE]}; GET /docs lists what there is."
    elif error.status_code == 405:
        detail = f"{request.url.path[:MAX_PLACE]} does not take {request.method[:20]}; GET /docs says what it takes."
    return problem(_request_id(request), error.status_code, detail, errors, error.headers)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    invalid = _invalid(error.errors())
    return problem(_request_id(request), invalid.status_code, invalid.detail, invalid.errors)
