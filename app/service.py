"""What the endpoints work with, put together once by ``create_app``."""

from dataclasses import dataclass, field
from time import perf_counter
from typing import Annotated, Any

from fastapi import Depends, Request
from numpy.typing import NDArray

from app.execution import Executor
from app.metrics import Metrics
from app.repository import Model, Repository
from app.settings import Settings


@dataclass
class Service:
    """Settings, models, threads and counters of one application."""

    settings: Settings
    repository: Repository
    executor: Executor
    metrics: Metrics = field(default_factory=Metrics)
    draining: bool = False
    """True from SIGTERM on: readiness is off and answers close their connections."""

    @property
    def ready(self) -> bool:
        """Whether requests should be sent here."""
        return self.repository.gone_through and not self.draining

    def predict(self, model: Model, inputs: NDArray[Any]) -> NDArray[Any]:
        """Let a model compute, in the calling thread, and count it."""
        started = perf_counter()
        outputs = model.predict(inputs)
        name = model.manifest.name
        self.metrics.prediction_seconds.labels(name).observe(perf_counter() - started)
        self.metrics.rows.labels(name, model.manifest.version).inc(len(inputs))
        return outputs


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]
