"""GET /models, /models/{name} and /models/{name}/versions: manifests, and states of versions."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from starlette.responses import Response

from app.auth.access import check_model
from app.codecs.validation import invalid_input
from app.http.context import RequestContext
from app.http.problems import openapi_problems
from app.http.responses import model_response
from app.http.routing import Router
from app.repository.load import LoadedModel
from app.schemas import NAME, VERSION, Documented, ModelList, VersionQuery
from app.service import Service
from models.manifest import Manifest

router = Router("/models", ["models"])

NAME_PARAMETER: dict[str, Any] = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "examples": ["add"], "title": "Name"} | NAME,
}
VERSION_PARAMETER: dict[str, Any] = {
    "name": "version",
    "in": "query",
    "required": False,
    "description": "The highest by default.",
    "schema": VERSION | {"title": "Version"},
}
"""OpenAPI's entries for what names a model."""


class VersionState(Documented):
    """State of one version of a model."""

    version: int
    state: Literal["ready", "damaged"]
    reason: str | None = Field(description="Why the folder is damaged.")


class VersionList(Documented):
    """All versions of a model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "add", "versions": [{"version": 1, "state": "ready", "reason": None}]}],
        }
    )

    name: str
    versions: list[VersionState]


@router.get(
    "",
    lambda: {"summary": "Manifests of all models", "response_model": ModelList, "responses": openapi_problems(503)},
)
async def list_models(service: Service, context: RequestContext) -> Response:
    """The manifest of every model, in its highest sound version: shapes, training ranges, measured errors, formula.

    Models that the request's API key may not use are left out.
    """
    return model_response(ModelList(models=service.manifests(context.key)))


@router.get(
    "/{name}",
    lambda: {
        "summary": "Manifest of one model",
        "response_model": Manifest,
        "responses": openapi_problems(404, 422, 503),
        "openapi_extra": {"parameters": [NAME_PARAMETER, VERSION_PARAMETER]},
    },
)
async def get_model(service: Service, context: RequestContext) -> Response:
    """The manifest of one model."""
    return model_response(find_model(service, context).manifest)


@router.get(
    "/{name}/versions",
    lambda: {
        "summary": "Versions of one model",
        "response_model": VersionList,
        "responses": openapi_problems(404, 503),
        "openapi_extra": {"parameters": [NAME_PARAMETER]},
    },
)
async def list_versions(service: Service, context: RequestContext) -> Response:
    """All versions of one model in ascending order, each with its state; a damaged one with the reason."""
    name = context.path_params["name"]
    check_model(context.key, name)
    found = service.repository.versions_of(name)
    versions = [VersionState(version=version, state=entry.state, reason=entry.reason) for version, entry in found]
    return model_response(VersionList(name=name, versions=versions))


def find_model(service: Service, context: RequestContext) -> LoadedModel:
    """The model that path and query of a request name.

    Raises:
        ServiceError: there is none, the API key may not use it, or the version is not a number.
    """
    try:
        query = VersionQuery.model_validate(dict(context.query_params))
    except ValidationError as error:
        raise invalid_input(error.errors(include_url=False, include_context=False), "query") from error
    return service.model(context.key, context.path_params["name"], query.version)
