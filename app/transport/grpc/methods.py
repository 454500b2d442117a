"""The methods of the two services: from a request's message to the response's, by the functions that HTTP calls."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, NamedTuple

from app.auth.access import may_use
from app.errors import ModelNotFoundError, UnavailableError
from app.http.context import RequestContext
from app.repository.load import LoadedModel
from app.routes.v2 import control, find_model
from app.routes.v2.inference import predict
from app.routes.v2.metadata import model_config, model_metadata, served_models, served_versions, server_metadata
from app.routes.v2.statistics import statistics
from app.service import Service
from app.transport.grpc.messages import CLASSES, read_message
from app.transport.grpc.request import decode
from app.transport.grpc.response import encode

INFERENCE, HEALTH = "inference.GRPCInferenceService", "grpc.health.v1.Health"
"""Names of the services."""
SERVING, NOT_SERVING = 1, 2
"""Of the health protocol."""
DATA_TYPES = (
    "INVALID",
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "STRING",
    "BF16",
)
"""Numbers of the datatypes in Triton's model configuration; BYTES is STRING there."""


class Method(NamedTuple):
    """One method."""

    respond: Callable[[Service, RequestContext, Any], Awaitable[Any]]
    """Maps service, context and message to the response's message, or to its bytes."""
    request: str
    """Name of the request's message."""
    public: bool = False
    """Whether it requires no API key."""

    async def __call__(self, service: Service, context: RequestContext, body: bytes) -> bytes:
        """Respond to a serialised request.

        Raises:
            ServiceError: the request is invalid or cannot be served.
        """
        response = await self.respond(service, context, read_message(self.request, body))
        serialised: bytes = response if isinstance(response, bytes) else response.SerializeToString()
        return serialised


async def _server_live(_: Service, __: RequestContext, ___: Any) -> Any:
    return CLASSES["ServerLiveResponse"](live=True)


async def _server_ready(service: Service, _: RequestContext, __: Any) -> Any:
    return CLASSES["ReadyResponse"](ready=service.ready)


async def _server_metadata(_: Service, __: RequestContext, ___: Any) -> Any:
    return CLASSES["ServerMetadataResponse"](**server_metadata())


async def _model_ready(service: Service, context: RequestContext, message: Any) -> Any:
    try:
        _model(service, context, message.name, message.version)
    except (ModelNotFoundError, UnavailableError):
        return CLASSES["ReadyResponse"](ready=False)
    return CLASSES["ReadyResponse"](ready=True)


async def _model_metadata(service: Service, context: RequestContext, message: Any) -> Any:
    model = _model(service, context, message.name, message.version)
    return CLASSES["ModelMetadataResponse"](**model_metadata(service, model.manifest))


async def _model_config(service: Service, context: RequestContext, message: Any) -> Any:
    config = model_config(service, _model(service, context, message.name, message.version).manifest)
    for tensor in config["input"] + config["output"]:
        name = tensor["data_type"].removeprefix("TYPE_")
        tensor["data_type"] = DATA_TYPES.index("STRING" if name == "BYTES" else name)
    return CLASSES["ModelConfigResponse"](config=config)


async def _model_statistics(service: Service, context: RequestContext, message: Any) -> Any:
    if message.name:
        name = _model(service, context, message.name, message.version).manifest.name
        versions = [int(message.version)] if message.version else served_versions(service, name)
        models = [(name, version) for version in versions]
    else:
        models = [each for each in served_models(service) if may_use(context.key, each[0])]
    return CLASSES["ModelStatisticsResponse"](**statistics(service.metrics, models))


async def _model_infer(service: Service, context: RequestContext, message: Any) -> Any:
    model = _model(service, context, message.model_name, message.model_version)
    started = perf_counter()
    request = decode(message, model.manifest, service.settings)
    decoded = perf_counter()
    prediction = await predict(service, context, model, request)
    computed = perf_counter()
    response = encode(prediction, request, model.manifest)
    service.metrics.observations["decode", context.route].append(decoded - started + context.decode_seconds)
    service.metrics.observations["encode", context.route].append(perf_counter() - computed)
    return response


async def _model_stream_infer(service: Service, context: RequestContext, message: Any) -> Any:
    return CLASSES["ModelStreamInferResponse"](infer_response=await _model_infer(service, context, message))


async def _repository_index(service: Service, context: RequestContext, message: Any) -> Any:
    versions = await control.list_versions(service, context, ready=message.ready)
    return CLASSES["RepositoryIndexResponse"](models=versions)


async def _repository_model_load(service: Service, context: RequestContext, message: Any) -> Any:
    await control.load_model(service, context, message.model_name, message.parameters)
    return CLASSES["Empty"]()


async def _repository_model_unload(service: Service, context: RequestContext, message: Any) -> Any:
    await control.unload_model(service, context, message.model_name)
    return CLASSES["Empty"]()


async def _health_check(service: Service, _: RequestContext, message: Any) -> Any:
    if message.service not in ("", INFERENCE, HEALTH):
        raise ModelNotFoundError(
            f"There is no service '{message.service[:40]}'; ask for '' or '{INFERENCE}', and by ModelReady for a model."
        )
    return CLASSES["HealthCheckResponse"](status=SERVING if service.ready else NOT_SERVING)


def _model(service: Service, context: RequestContext, name: str, version: str) -> LoadedModel:
    return find_model(service, context, name, version or None)


METHODS = {
    INFERENCE: {
        "ServerLive": Method(_server_live, "Empty", public=True),
        "ServerReady": Method(_server_ready, "Empty", public=True),
        "ServerMetadata": Method(_server_metadata, "Empty"),
        "ModelReady": Method(_model_ready, "ModelRequest"),
        "ModelMetadata": Method(_model_metadata, "ModelRequest"),
        "ModelConfig": Method(_model_config, "ModelRequest"),
        "ModelStatistics": Method(_model_statistics, "ModelRequest"),
        "ModelInfer": Method(_model_infer, "ModelInferRequest"),
        "ModelStreamInfer": Method(_model_stream_infer, "ModelInferRequest"),
        "RepositoryIndex": Method(_repository_index, "RepositoryIndexRequest"),
        "RepositoryModelLoad": Method(_repository_model_load, "RepositoryModelRequest"),
        "RepositoryModelUnload": Method(_repository_model_unload, "RepositoryModelRequest"),
    },
    HEALTH: {"Check": Method(_health_check, "HealthCheckRequest", public=True)},
}
"""The methods of each service."""
STREAMS = frozenset({"ModelStreamInfer"})
"""Methods that take and give streams; theirs in ``METHODS`` responds to one message."""
