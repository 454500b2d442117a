"""/v2: the Open Inference Protocol, for the clients of Triton and KServe."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from app.auth.access import may_use
from app.codecs.v2 import schemas
from app.errors import InvalidInputError
from app.http.context import RequestContext
from app.http.routing import direct_router
from app.repository.load import LoadedModel
from app.routes.v2 import control, inference
from app.routes.v2.documentation import errors, infer_body, infer_response, optional_body, parameters
from app.routes.v2.metadata import model_config, model_metadata, served_models, served_versions, server_metadata
from app.routes.v2.statistics import statistics
from app.schemas import MAX_VERSION
from app.service import Service, ServiceDep

router = direct_router(prefix="/v2", tags=["v2"])

_VERSION = re.compile(r"[0-9]{1,10}")

Endpoint = Callable[[Service, RequestContext], Awaitable[Response]]


def _for_model(method: str, suffix: str, **documented: Any) -> Callable[[Endpoint], Endpoint]:
    """Register an endpoint for a model in its highest version and in a named one."""

    def register(endpoint: Endpoint) -> Endpoint:
        extra, responses = documented.pop("openapi_extra", {}), documented.pop("responses")
        for start, own in (("/models/{model}", {}), ("/models/{model}/versions/{version}", errors(400))):
            path = start + suffix
            router.add_api_route(
                path,
                endpoint,
                methods=[method],
                responses=own | responses,
                openapi_extra=parameters(path) | extra,
                **documented,
            )
        return endpoint

    return register


@router.get("", summary="Server metadata", response_model=schemas.ServerMetadata, responses=errors(503))
async def server(_: ServiceDep, __: RequestContext) -> Response:
    """Name and version of the server, and the extensions of the protocol that it implements."""
    return _json(server_metadata())


@router.get("/health/live", summary="Liveness", response_model=schemas.ServerLive, responses=errors(503))
async def live(_: ServiceDep, __: RequestContext) -> Response:
    """200 while the process runs."""
    return _json({"live": True})


@router.get(
    "/health/ready",
    summary="Readiness",
    response_model=schemas.ServerReady,
    responses={
        503: {
            "model": schemas.ServerReady | schemas.ErrorResponse,
            "description": "Still loading, without models, or draining; an error where the service is overloaded.",
        }
    },
)
async def ready(service: ServiceDep, _: RequestContext) -> Response:
    """200 from the end of the initial scan, with all sound models warmed up, until the service drains.

    GET /health/ready gives the reason where it is 503.
    """
    return _json({"ready": service.ready}, 200 if service.ready else 503)


@router.get("/models", summary="Names of all models", response_model=schemas.ModelNames, responses=errors(503))
async def models(service: ServiceDep, context: RequestContext) -> Response:
    """The names of all served models that the request's API key may use, in KServe's form."""
    return _json({"models": [manifest.name for manifest in service.manifests(context.key)]})


@router.get("/models/stats", summary="Statistics of all models", response_model=dict[str, Any], responses=errors(503))
async def all_statistics(service: ServiceDep, context: RequestContext) -> Response:
    """Rows, batches and durations of every served version that the request's API key may use, in Triton's form."""
    versions = [each for each in served_models(service) if may_use(context.key, each[0])]
    return _json(statistics(service.metrics, versions))


@_for_model(
    "GET",
    "",
    summary="Model metadata",
    response_model=schemas.ModelMetadata,
    responses=errors(404, 503),
)
async def metadata(service: ServiceDep, context: RequestContext) -> Response:
    """Inputs and outputs with their datatypes and shapes, where -1 is a free axis, and the served versions."""
    return _json(model_metadata(service, _model(service, context).manifest))


@_for_model("GET", "/ready", summary="Model readiness", response_model=schemas.ServerReady, responses=errors(404, 503))
async def model_ready(service: ServiceDep, context: RequestContext) -> Response:
    """200 if the model is loaded and warmed up."""
    return _json({"ready": True, "name": _model(service, context).manifest.name})


@_for_model(
    "GET",
    "/config",
    summary="Model configuration",
    response_model=dict[str, Any],
    responses=errors(404, 503),
)
async def config(service: ServiceDep, context: RequestContext) -> Response:
    """The applicable part of Triton's model configuration."""
    return _json(model_config(service, _model(service, context).manifest))


@_for_model(
    "GET", "/stats", summary="Statistics of one model", response_model=dict[str, Any], responses=errors(404, 503)
)
async def model_statistics(service: ServiceDep, context: RequestContext) -> Response:
    """Rows, batches and durations of a model, in Triton's form: of all its versions, unless one is named."""
    manifest = _model(service, context).manifest
    named = "version" in context.path_params
    versions = [manifest.version] if named else served_versions(service, manifest.name)
    return _json(statistics(service.metrics, [(manifest.name, version) for version in versions]))


@_for_model(
    "POST",
    "/infer",
    summary="Inference",
    response_model=schemas.InferResponse,
    responses=infer_response() | errors(400, 404, 408, 413, 415, 503),
    openapi_extra=infer_body(),
)
async def infer(service: ServiceDep, context: RequestContext) -> Response:
    """Run a model on a batch of rows or images.

    A model of images takes their pixels, or their files as BYTES: in base64 in the JSON, or in binary, each after its
    length in four bytes.

    Tensors are in the JSON or follow it in binary, little-endian. Content-Encoding and Accept-Encoding may be gzip and
    deflate. A non-finite value is null in JSON, and the output's parameter `not_finite` reports it; in binary it is
    unchanged. Parameter `timeout`, in microseconds, is honoured; sequences, priorities and shared memory are rejected.
    """
    return await inference.infer(service, context, _model(service, context))


@router.post(
    "/repository/index",
    summary="Repository index",
    response_model=list[schemas.IndexItem],
    responses=errors(400, 408, 413, 415, 503),
    openapi_extra=optional_body({"ready": True}, ready={"type": "boolean", "default": False}),
)
async def repository_index(service: ServiceDep, context: RequestContext) -> Response:
    """Every version folder with its state and, if it is not served, the reason; `ready` lists served versions only.

    Models that the request's API key may not use are left out.
    """
    return _json(await control.index(service, context))


@router.post(
    "/repository/models/{model}/load",
    summary="Load or reload a model",
    responses=errors(400, 403, 404, 408, 413, 415, 503),
    openapi_extra=parameters("/{model}") | optional_body({}, parameters={"type": ["object", "null"]}),
)
async def load(service: ServiceDep, context: RequestContext) -> Response:
    """Load a model's versions from the repository. Rejected unless NALU_MODEL_CONTROL is explicit."""
    await control.load(service, context, context.path_params["model"])
    return _json({})


@router.post(
    "/repository/models/{model}/unload",
    summary="Unload a model",
    responses=errors(400, 403, 404, 408, 413, 415, 503),
    openapi_extra=parameters("/{model}") | optional_body({}, parameters={"type": ["object", "null"]}),
)
async def unload(service: ServiceDep, context: RequestContext) -> Response:
    """Stop serving a model until it is loaded again. Rejected unless NALU_MODEL_CONTROL is explicit."""
    await control.unload(service, context, context.path_params["model"])
    return _json({})


def _model(service: Service, context: RequestContext) -> LoadedModel:
    return find_model(service, context, context.path_params["model"], context.path_params.get("version"))


def find_model(service: Service, context: RequestContext, name: str, version: str | None) -> LoadedModel:
    """The model of that name, in its highest version unless one is named.

    Raises:
        ServiceError: there is none, the API key may not use it, or the version is not a number.
    """
    if version is None:
        return service.model(context.key, name)
    number = int(version) if _VERSION.fullmatch(version) else 0
    if not 1 <= number <= MAX_VERSION:
        raise InvalidInputError(f"Version '{version[:20]}' is not an integer from 1 to {MAX_VERSION}.")
    return service.model(context.key, name, number)


def _json(content: object, status: int = 200) -> Response:
    return Response(to_json(content), status, media_type="application/json")
