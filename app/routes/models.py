"""GET /models, /models/{name} and /models/{name}/versions: manifests, and states of versions."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from app.auth.access import check_model
from app.errors import ModelFileNotFoundError
from app.http.conditional import IfNoneMatch, etag_response, openapi_not_modified
from app.http.problems import openapi_problems
from app.schemas import MAX_VERSION, NAME, VERSION, ModelList
from app.service import KeyDep, ServiceDep
from models.curves import CURVES_FILE, Curves
from models.manifest import Manifest

router = APIRouter(prefix="/models", tags=["models"])

Name = Annotated[str, Path(examples=["add"], json_schema_extra=NAME)]
Version = Annotated[
    int | None, Query(ge=1, le=MAX_VERSION, description="The highest by default."), WithJsonSchema(VERSION)
]


class VersionState(BaseModel):
    """State of one version of a model."""

    version: int
    state: Literal["ready", "damaged"]
    reason: str | None = Field(description="Why the folder is damaged.")


class VersionList(BaseModel):
    """All versions of a model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "add", "versions": [{"version": 1, "state": "ready", "reason": None}]}],
        }
    )

    name: str
    versions: list[VersionState]


@router.get("", summary="Manifests of all models", responses=openapi_problems(503), response_model_exclude_unset=True)
async def list_models(service: ServiceDep, key: KeyDep) -> ModelList:
    """The manifest of every model, in its highest sound version: shapes, training ranges, measured errors, formula.

    Models that the request's API key may not use are left out.
    """
    return ModelList(models=service.manifests(key))


@router.get(
    "/{name}",
    summary="Manifest of one model",
    responses=openapi_problems(404, 422, 503),
    response_model_exclude_unset=True,
)
async def get_model(service: ServiceDep, key: KeyDep, name: Name, version: Version = None) -> Manifest:
    """The manifest of one model."""
    return service.model(key, name, version).manifest


@router.get("/{name}/versions", summary="Versions of one model", responses=openapi_problems(404, 503))
async def list_versions(service: ServiceDep, key: KeyDep, name: Name) -> VersionList:
    """All versions of one model in ascending order, each with its state; a damaged one with the reason."""
    check_model(key, name)
    found = service.repository.versions_of(name)
    versions = [VersionState(version=version, state=entry.state, reason=entry.reason) for version, entry in found]
    return VersionList(name=name, versions=versions)


@router.get(
    "/{name}/curves",
    summary="Curves of one model",
    responses={200: {"model": Curves}, **openapi_not_modified(), **openapi_problems(404, 422, 503)},
)
async def get_curves(
    service: ServiceDep, key: KeyDep, name: Name, version: Version = None, if_none_match: IfNoneMatch = None
) -> Response:
    """Samples of a model along each column, far beyond its training range, and of an MLP of equal size."""
    model = service.model(key, name, version)
    if model.curves is None:
        raise ModelFileNotFoundError(_no_curves(model.manifest))
    return etag_response(model.curves, model.manifest.files[CURVES_FILE].sha256, if_none_match)


def _no_curves(manifest: Manifest) -> str:
    if manifest.task != "arithmetic":
        return f"Model '{manifest.name}' is of task '{manifest.task}'; only models of task 'arithmetic' have curves."
    return (
        f"Model '{manifest.name}' version {manifest.version} has no {CURVES_FILE}; `python -m training curves "
        f"{manifest.name} --version {manifest.version}` adds it."
    )
