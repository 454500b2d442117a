"""GET /health/live, /health/ready and /metrics, for orchestrators and monitoring."""

from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.http.problems import openapi_problem, openapi_problems
from app.schemas import Live, ModelState, Ready
from app.service import Service, ServiceDep

router = APIRouter(tags=["operation"])

NOT_READY = {
    "model": Ready,
    "description": "Still loading, without models, or draining; a problem where the service is overloaded.",
    "content": openapi_problem(503)["content"],
}


@router.get("/health/live", summary="Liveness", responses=openapi_problems(503))
async def live() -> Live:
    """200 while the process runs."""
    return Live(live=True)


@router.get(
    "/health/ready",
    summary="Readiness",
    response_model_exclude_unset=True,
    responses={503: NOT_READY},
)
async def ready(service: ServiceDep, response: Response) -> Ready:
    """200 from the end of the initial scan, with all sound models warmed up, until the service drains.

    A damaged model is listed with the reason; it is not served, and does not affect others. While the
    repository folder is unavailable, the loaded models are served on, and `status` is degraded. Without a model to
    serve it is 503, unless the settings allow that.
    """
    states = [
        ModelState(name=name, version=version, state=entry.state, reason=entry.reason)
        for (name, version), entry in service.repository.entries()
    ]
    response.status_code = 200 if service.ready else 503
    return Ready(ready=service.ready, models=states, **_condition(service))


def _condition(service: Service) -> dict[str, Any]:
    """What is wrong with the folder of the models; empty where nothing is."""
    repository, outage = service.repository, service.repository.outage
    if outage is not None:
        status = "degraded" if repository.serves_models else "unavailable"
        since = outage.since.isoformat(timespec="seconds").replace("+00:00", "Z")
        return {"status": status, "since": since, "reason": outage.reason}
    if repository.initial_scan_done and not service.has_models:
        reason = (
            f"{repository.address} has no model that can be served; add one, or set NALU_READY_WITHOUT_MODELS=true."
        )
        return {"status": "empty", "reason": reason}
    return {}


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses=openapi_problems(503)
    | {200: {"content": {"text/plain": {"example": 'nalu_requests_total{route="/models",status="200"} 1.0'}}}},
)
async def metrics(service: ServiceDep) -> Response:
    """Metrics in Prometheus' text format."""
    service.metrics.queued_rows.set(service.batching.queue_limiter.rows)
    return Response(service.metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})
