"""What the endpoints work with, put together once by ``create_app``."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Annotated, Any

from fastapi import Depends, Request
from numpy.typing import NDArray

from app.auth import Keys
from app.batching.scheduler import BatchScheduler
from app.http.context import RequestContext
from app.observability.metrics import Metrics
from app.observability.tracing import Tracer
from app.repository.load import Model
from app.repository.repository import Repository
from app.settings import Settings


@dataclass
class Service:
    """Settings, models, batches and counters of one application."""

    settings: Settings
    repository: Repository
    batching: BatchScheduler
    metrics: Metrics
    keys: Keys | None = None
    """None where no API key is asked for."""
    tracer: Tracer | None = None
    """None where no traces are asked for."""
    draining: bool = False
    """True from SIGTERM on: readiness is off and answers close their connections."""
    listeners: Sequence[socket.socket] = ()
    """Sockets that this process listens on alone; several workers share theirs, which their supervisor looks after."""
    last_request_at: float = 0.0
    """When the last request came, by ``perf_counter``."""
    requests_in_flight: dict[RequestContext, Callable[[], None]] = field(default_factory=dict)
    """Requests in progress, in the order of their arrival, and what ends each when its time is over."""

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.repository.initial_scan_done and not self.draining

    def predict(self, model: Model, inputs: NDArray[Any], context: RequestContext) -> Awaitable[NDArray[Any]]:
        """See ``BatchScheduler.predict``."""
        return self.batching.predict(model, inputs, context)

    def expire(self) -> None:
        """End the requests whose time is over."""
        latest = perf_counter() - self.settings.request_timeout_seconds
        for context, end in list(self.requests_in_flight.items()):
            if context.started > latest:
                break
            if not context.expired:
                end()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]
