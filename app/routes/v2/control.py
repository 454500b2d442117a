"""The model repository extension: the index, and model loading and unloading where the settings allow them."""

import asyncio
from collections.abc import Iterable
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
    return await list_versions(service, context, ready=(await _read(service, context, IndexRequest)).ready)


async def list_versions(service: Service, context: RequestContext, *, ready: bool) -> list[dict[str, str]]:
    """The versions of all models that the API key may use, or the ready ones only."""
    entries = await asyncio.to_thread(service.repository.index)
    return [
        {"name": entry.name, "version": str(entry.version), "state": entry.state, "reason": entry.reason or ""}
        for entry in entries
        if may_use(context.key, entry.name) and (entry.state == "READY" or not ready)
    ]


async def load(service: Service, context: RequestContext, name: str) -> None:
    """Load or reload a model, see ``load_model``."""
    _check_allowed(service, context, name)
    await load_model(service, context, name, (await _read(service, context, ControlRequest)).parameters or {})


async def load_model(service: Service, context: RequestContext, name: str, parameters: Iterable[str]) -> None:
    """Load or reload a model.

    Args:
        service: whose model it is.
        context: of the request.
        name: of the model.
        parameters: names of the request's.

    Raises:
        ForbiddenError: the settings, or the API key, do not allow it.
        InvalidInputError: the request carries its own configuration or files.
    """
    _check_allowed(service, context, name)
    for parameter in parameters:
        if parameter == "config" or parameter.startswith("file:"):
            raise InvalidInputError(
                f"Parameter '{parameter[:40]}' carries a model; models come from the repository only, so leave it out."
            )
    await asyncio.to_thread(service.repository.load, name)


async def unload(service: Service, context: RequestContext, name: str) -> None:
    """Stop serving a model, see ``unload_model``."""
    _check_allowed(service, context, name)
    await _read(service, context, ControlRequest)
    await unload_model(service, context, name)


async def unload_model(service: Service, context: RequestContext, name: str) -> None:
    """Stop serving a model.

    Raises:
        ForbiddenError: the settings, or the API key, do not allow it.
    """
    _check_allowed(service, context, name)
    await asyncio.to_thread(service.repository.unload, name)


def _check_allowed(service: Service, context: RequestContext, name: str) -> None:
    if service.settings.model_control != "explicit":
        raise ForbiddenError(
            f"NALU_MODEL_CONTROL is {service.settings.model_control}, so clients may not load or unload models; "
            "start the service with NALU_MODEL_CONTROL=explicit to allow it."
        )
    check_model(context.key, name)


async def _read(service: Service, context: RequestContext, kind: type[T]) -> T:
    body = await context.body()
    check_depth(body, service.settings.max_json_depth)
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise invalid_body(error) from error
