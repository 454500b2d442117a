"""The parts of an application that its endpoints use; ``create_app`` builds it."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from time import perf_counter
from typing import Annotated, Protocol

from fastapi import Depends, Request

from app.auth.access import Access, check_model, may_use
from app.auth.key_file import APIKey
from app.batching.scheduler import BatchScheduler
from app.observability.metrics import Metrics
from app.observability.tracing import Tracer
from app.repository.load import LoadedModel
from app.repository.repository import Repository
from app.settings import Settings
from models.manifest import Manifest

EXPIRY_BATCH = 8
"""Requests past their deadline that are ended between two turns of the event loop."""


class RequestInFlight(Protocol):
    """A request without a response so far."""

    started: float
    """When it was received, by ``perf_counter``."""
    expired: bool
    """Whether it was ended because its deadline had passed."""


@dataclass
class Service:
    """Settings, models, batching and metrics of one application."""

    settings: Settings
    repository: Repository
    batching: BatchScheduler
    metrics: Metrics
    access: Access | None = None
    """None: no API key is required."""
    tracer: Tracer | None = None
    """None: requests are not traced."""
    draining: bool = False
    """True from SIGTERM on: not ready, and responses close their connections."""
    is_replacement: bool = False
    """True in a worker that replaces another one: it accepts connections when it is ready, as others do meanwhile."""
    listeners: Sequence[socket.socket] = ()
    """Listening sockets of this process."""
    last_request_at: float = 0.0
    """When the last request was received, by ``perf_counter``."""
    requests_in_flight: dict[RequestInFlight, Callable[[], None]] = field(default_factory=dict)
    """Requests in the order of their arrival, and the function that ends each one past its deadline."""

    @property
    def ready(self) -> bool:
        """Whether the service accepts requests and has models for them, unless the settings allow that it has none."""
        return self.repository.initial_scan_done and not self.draining and self.has_models

    @property
    def has_models(self) -> bool:
        """Whether a model is served, or none is needed."""
        return self.settings.may_serve_nothing or self.repository.serves_models

    def model(self, key: APIKey | None, name: str, version: int | None = None) -> LoadedModel:
        """The model that a request names, in its highest sound version unless one is named.

        Args:
            key: of the request; None where none is required.
            name: of the model.
            version: of the model.

        Raises:
            ForbiddenError: the key may not use it.
            ModelNotFoundError: there is none.
            UnavailableError: the initial scan is not done, or the model is being copied.
        """
        if key is not None:
            check_model(key, name)
        return self.repository.get(name, version)

    def manifests(self, key: APIKey | None) -> list[Manifest]:
        """Manifests of the models that a key may use, in the highest sound version of each, by name.

        Raises:
            UnavailableError: the initial scan is not done, so the list would be incomplete.
        """
        return [manifest for manifest in self.repository.latest() if may_use(key, manifest.name)]

    async def expire_requests(self) -> None:
        """End the requests past their deadline, a few in each turn of the event loop, which others wait for."""
        latest = perf_counter() - self.settings.request_timeout_seconds
        past = takewhile(lambda item: item[0].started <= latest, self.requests_in_flight.items())
        for number, (context, end) in enumerate(list(past), 1):
            if context in self.requests_in_flight and not context.expired:
                end()
            if number % EXPIRY_BATCH == 0:
                await asyncio.sleep(0)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _key(request: Request) -> APIKey | None:
    key: APIKey | None = request.scope["state"]["context"].key
    return key


ServiceDep = Annotated[Service, Depends(_service)]
KeyDep = Annotated[APIKey | None, Depends(_key)]
"""The API key of a request; None where none is required."""
