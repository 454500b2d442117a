"""Errors that a client caused or can retry after, with the HTTP status and the metric's reason of each."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException


class ServiceError(HTTPException):
    """An error that a client caused or can retry after. The detail names the subject and offers the repair."""

    status = 500
    reason = "error"
    """Label value of the metric of rejected requests."""

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.status, detail, headers)
        self.errors: list[dict[str, str]] = []


class UnauthorizedError(ServiceError):
    """No API key, or an unknown one."""

    status = 401
    reason = "unauthorized"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class ForbiddenError(ServiceError):
    """The settings, or the API key, do not allow the request."""

    status = 403
    reason = "forbidden"


class ModelNotFoundError(ServiceError):
    """There is no model of that name, or no such version of it."""

    status = 404
    reason = "model_not_found"


class ModelFileNotFoundError(ServiceError):
    """The model's version has no such file: it was made without it."""

    status = 404
    reason = "file_not_found"


class RequestTimeoutError(ServiceError):
    """The body was not received by the deadline."""

    status = 408
    reason = "timeout"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})


class HeadTimeoutError(RequestTimeoutError):
    """A request's head was not received in time."""

    reason = "head_timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The request's head was not received within {seconds:g} seconds, which is the limit; send it faster."
        )


class HeadTooLargeError(ServiceError):
    """A request has too much besides its body."""

    status = 431
    reason = "head_too_large"

    def __init__(self, max_bytes: int, max_fields: int, *, is_target: bool) -> None:
        if is_target:
            self.status = 414
            detail = f"The request target exceeds {max_bytes} bytes, the limit of a request head; shorten it."
        else:
            detail = (
                f"The request's head, or its trailers and chunk extensions, exceed the limit of {max_bytes} bytes "
                f"or {max_fields} header fields; send fewer or shorter headers."
            )
        super().__init__(detail)


class MalformedRequestError(ServiceError):
    """The bytes received are not an HTTP request."""

    status = 400
    reason = "malformed"

    def __init__(self) -> None:
        super().__init__("The request is not valid HTTP/1.1; check the client, and that it does not use TLS.")


class UnknownMethodError(ServiceError):
    """No path takes such a method, nor is it one of HTTP's usual ones."""

    status = 501
    reason = "malformed"


class TooLargeError(ServiceError):
    """The request is over a limit of the settings."""

    status = 413
    reason = "too_large"


class UnsupportedImageError(ServiceError):
    """A file is not an image of a supported format."""

    status = 415
    reason = "not_a_picture"  # alias: this value of the metric's label is older than the word image


class UnsupportedMediaTypeError(ServiceError):
    """The body is of a type that needs a library which is not installed."""

    status = 415
    reason = "unsupported_media_type"


class UnsupportedEncodingError(ServiceError):
    """The body is compressed in a way that is not supported."""

    status = 415
    reason = "unsupported_encoding"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Accept-Encoding": "gzip, deflate, identity"})


class InvalidInputError(ServiceError):
    """The request is well-formed but does not fit the model."""

    status = 422
    reason = "invalid"

    def __init__(self, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.errors = errors or []


class RateLimitError(ServiceError):
    """An API key has sent too many requests; the client may retry after some seconds."""

    status = 429
    reason = "rate_limited"

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class UnavailableError(ServiceError):
    """The service cannot respond now; the client may retry after some seconds."""

    status = 503

    def __init__(self, detail: str, *, reason: str = "loading", retry_after_seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})
        self.reason = reason


class ReadDelayError(UnavailableError):
    """The request waited too long to be read."""

    def __init__(self, waited_seconds: float, max_seconds: float) -> None:
        super().__init__(
            f"The request waited {waited_seconds:.1f} seconds to be read, and {max_seconds:g} is the limit; try again "
            "later.",
            reason="overloaded",
        )


class TooManyConnectionsError(UnavailableError):
    """The connection is over a limit of the settings, and no idle one could be closed in its place."""

    def __init__(self) -> None:
        super().__init__(
            "The service has as many connections as it may have, and none is idle; try again later.",
            reason="connections",
        )
