"""GET /health/live, /health/ready and /metrics: what orchestrators and monitoring ask."""

from collections import Counter

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.schemas import Live, ModelState, Ready
from app.service import ServiceDep

router = APIRouter(tags=["operation"])


@router.get("/health/live", summary="Does the process run?")
async def live() -> Live:
    """200 while the process runs."""
    return Live(live=True)


@router.get(
    "/health/ready",
    summary="Should requests be sent here?",
    responses={503: {"model": Ready, "description": "Still loading, or draining."}},
)
async def ready(service: ServiceDep, response: Response) -> Ready:
    """200 once the repository has been gone through and its sound models are warmed, until the service drains.

    A damaged model is listed with the reason; it is not served, and blocks nobody else.
    """
    states = [
        ModelState(name=name, version=version, state=entry.state, reason=entry.reason)
        for (name, version), entry in service.repository.entries()
    ]
    response.status_code = 200 if service.ready else 503
    return Ready(ready=service.ready, models=states)


@router.get(
    "/metrics",
    summary="Counters for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"example": 'nalu_requests_total{route="/models",status="200"} 1.0'}}}},
)
async def metrics(service: ServiceDep) -> Response:
    """Counters in Prometheus' text format."""
    service.metrics.queued.set(service.executor.queued)
    states = Counter(entry.state for _, entry in service.repository.entries())
    for state in ("ready", "damaged"):
        service.metrics.models.labels(state).set(states[state])
    return Response(service.metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})
