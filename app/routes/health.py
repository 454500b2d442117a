"""GET /health/live, /health/ready and /metrics, for orchestrators and monitoring."""

from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from app.http.context import RequestContext
from app.http.problems import openapi_problem, openapi_problems
from app.http.responses import model_response
from app.http.routing import Router
from app.schemas import Live, ModelState, Ready
from app.service import Service

router = Router(tags=["operation"])


@router.get("/health/live", lambda: {"summary": "Liveness", "response_model": Live, "responses": openapi_problems(503)})
async def live(_: Service, __: RequestContext) -> Response:
    """200 while the process runs."""
    return model_response(Live(live=True))


@router.get(
    "/health/ready",
    lambda: {
        "summary": "Readiness",
        "response_model": Ready,
        "responses": {
            503: {
                "model": Ready,
                "description": "Still loading, without models, or draining; a problem where the service is overloaded.",
                "content": openapi_problem(503)["content"],
            }
        },
    },
)
async def ready(service: Service, _: RequestContext) -> Response:
    """200 from the end of the initial scan, with all sound models warmed up, until the service drains.

    A damaged model is listed with the reason; it is not served, and does not affect others. While the
    repository folder is unavailable, the loaded models are served on, and `status` is degraded. Without a model to
    serve it is 503, unless the settings allow that.
    """
    states = [
        ModelState(name=name, version=version, state=entry.state, reason=entry.reason)
        for (name, version), entry in service.repository.entries()
    ]
    body = Ready(ready=service.ready, models=states, **_condition(service))
    return model_response(body, 200 if service.ready else 503)


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
    lambda: {
        "summary": "Prometheus metrics",
        "response_class": Response,
        "responses": openapi_problems(503)
        | {200: {"content": {"text/plain": {"example": 'nalu_requests_total{route="/models",status="200"} 1.0'}}}},
    },
)
async def metrics(service: Service, _: RequestContext) -> Response:
    """Metrics in Prometheus' text format."""
    service.metrics.queued_rows.set(service.batching.queue_limiter.rows)
    return Response(service.metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})
