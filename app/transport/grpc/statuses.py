"""Errors as gRPC's status: a code, the message, and metadata that repeat HTTP's headers."""

from typing import NamedTuple

from grpc import StatusCode
from starlette.exceptions import HTTPException

from app.errors import ServiceError

CODES = {
    400: StatusCode.INVALID_ARGUMENT,
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.NOT_FOUND,
    408: StatusCode.DEADLINE_EXCEEDED,
    413: StatusCode.RESOURCE_EXHAUSTED,
    415: StatusCode.INVALID_ARGUMENT,
    422: StatusCode.INVALID_ARGUMENT,
    429: StatusCode.RESOURCE_EXHAUSTED,
    500: StatusCode.INTERNAL,
    503: StatusCode.UNAVAILABLE,
}
"""gRPC's code of each status of HTTP."""


class Status(NamedTuple):
    """Why a request failed."""

    code: StatusCode
    message: str
    metadata: tuple[tuple[str, str], ...] = ()


def status_of(error: HTTPException) -> Status:
    """The status of an error: a request past its deadline is no reason to try another server, as 503 would be."""
    late = isinstance(error, ServiceError) and error.reason == "timeout"
    code = StatusCode.DEADLINE_EXCEEDED if late else CODES.get(error.status_code, StatusCode.UNKNOWN)
    wait = (error.headers or {}).get("Retry-After")
    return Status(code, error.detail, (("retry-after", wait),) if wait else ())
