"""Whether a request is allowed: which paths require an API key, and what a key allows.

Public without a key are the probes (``/health/...``, ``/v2/health/...``), the page (``/``, ``/page/...``), the
documentation (``/docs...``, ``/openapi.json``) and, unless the settings require one, ``/metrics``; all other paths
require a key.
"""

from math import ceil
from typing import Any, Protocol

from app.auth.key_file import APIKey
from app.auth.keys import APIKeys
from app.auth.rate_limiter import Limiter
from app.errors import ForbiddenError, RateLimitError, UnauthorizedError
from app.settings.rate import Rate

MISSING_KEY = "The request carries no API key; send one as 'Authorization: Bearer KEY' or as 'X-API-Key: KEY'."
UNKNOWN_KEY = "The API key of the request is unknown; ask the service's operator for one."

SECURITY_SCHEMES: dict[str, dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "X-API-Key: KEY"},
}
"""OpenAPI's ``components.securitySchemes``."""
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"api_key": []}]
"""OpenAPI's ``security``: either scheme."""

_PUBLIC = frozenset({"/", "/docs", "/openapi.json"})
_PUBLIC_PREFIXES = ("/health/", "/v2/health/", "/docs/", "/page/")


def is_public(path: str, metrics_require_key: bool) -> bool:
    """Whether a path, without a slash at its end, requires no key."""
    return path in _PUBLIC or path.startswith(_PUBLIC_PREFIXES) or (path == "/metrics" and not metrics_require_key)


class RequestWithKey(Protocol):
    """The part of a request that ``Access`` needs."""

    key: APIKey | None
    """Set to its key, once that is known."""

    @property
    def authorization(self) -> str | None:
        """Its header ``Authorization``."""

    @property
    def api_key(self) -> str | None:
        """Its header ``X-API-Key``."""


class Access:
    """Authorizes requests by their API keys, whatever way they come.

    Args:
        keys: those that are valid.
        rate: of keys that have none of their own; None: unlimited.
        limiter: counts the requests of each key.
    """

    def __init__(self, keys: APIKeys, rate: Rate | None, limiter: Limiter) -> None:
        self.keys = keys
        self._rate = rate
        self._limiter = limiter

    def authorize(self, request: RequestWithKey) -> None:
        """Find the key of a request, and count the request against its limit.

        Raises:
            UnauthorizedError: the request has no key, or an unknown one.
            RateLimitError: the key has sent too many requests.
        """
        key = request.key = self.keys.find(request.authorization, request.api_key)
        if key is None:
            raise UnauthorizedError(UNKNOWN_KEY if request.authorization or request.api_key else MISSING_KEY)
        rate = key.rate or self._rate
        if rate is not None and (wait := self._limiter.acquire(key.name, rate)):
            raise RateLimitError(
                f"The API key {key.name} has sent more than {rate}, its rate limit; send fewer requests, or ask the "
                "service's operator for a higher limit.",
                retry_after_seconds=ceil(wait),
            )


def may_use(key: APIKey | None, model: str) -> bool:
    """Whether a request with that key, or with None where no key is required, may use a model of that name."""
    return key is None or key.models is None or model in key.models


def check_model(key: APIKey | None, model: str) -> None:
    """Check that a request with that key may use a model.

    Raises:
        ForbiddenError: it may not, whether or not there is such a model.
    """
    if key is not None and not may_use(key, model):
        raise ForbiddenError(
            f"The API key {key.name} may not use a model '{model[:64]}'; GET /models lists those that it may use."
        )
