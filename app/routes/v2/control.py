"""The model repository extension: the index, and model loading and unloading where the settings allow them."""

import asyncio
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from app.auth.access import check_model, may_use
from app.codecs.json_limits import check_depth
from app.codecs.validation import invalid_body
from app.errors import ForbiddenError, InvalidInputError
from app.http.context import RequestContext
from app.service import Service

T = TypeVar("T", bound=BaseModel)


class IndexRequest(BaseModel):
    """Filter of the index; an empty body lists all versions."""

    model_config = ConfigDict(strict=True)

    ready: bool = False


class ControlRequest(BaseModel):
    """Parameters of load and unload; the body may be empty."""

    parameters: dict[str, Any] | None = None


async def index(service: Service, context: RequestContext) -> list[dict[str, str]]:
    """All versions in the repository with their states, or the ready ones only."""
    request = await _read(service, context, IndexRequest)
    entries = await asyncio.to_thread(service.repository.index)
    return [
        {"name": entry.name, "version": str(entry.version), "state": entry.state, "reason": entry.reason or ""}
        for entry in entries
        if may_use(context.key, entry.name) and (entry.state == "READY" or not request.ready)
    ]


async def load(service: Service, context: RequestContext, name: str) -> None:
    """Load or reload a model.

    Raises:
        ForbiddenError: the settings, or the API key, do not allow it.
        InvalidInputError: the request carries its own configuration or files.
    """
    _require_explicit_control(service)
    check_model(context.key, name)
    request = await _read(service, context, ControlRequest)
    for parameter in request.parameters or {}:
        if parameter == "config" or parameter.startswith("file:"):
            raise InvalidInputError(
                f"Parameter '{parameter[:40]}' carries a model; models come from the repository only, so leave it out."
            )
    await asyncio.to_thread(service.repository.load, name)


async def unload(service: Service, context: RequestContext, name: str) -> None:
    """Stop serving a model.

    Raises:
        ForbiddenError: the settings, or the API key, do not allow it.
    """
    _require_explicit_control(service)
    check_model(context.key, name)
    await _read(service, context, ControlRequest)
    await asyncio.to_thread(service.repository.unload, name)


def _require_explicit_control(service: Service) -> None:
    if service.settings.model_control != "explicit":
        raise ForbiddenError(
            f"NALU_MODEL_CONTROL is {service.settings.model_control}, so models are not loaded or unloaded over HTTP; "
            "start the service with NALU_MODEL_CONTROL=explicit to allow it."
        )


async def _read(service: Service, context: RequestContext, kind: type[T]) -> T:
    body = await context.body()
    check_depth(body, service.settings.max_json_depth)
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise invalid_body(error) from error
