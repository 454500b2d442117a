"""GET /models, /models/{name} and /models/{name}/versions: manifests, and states of versions."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from app.auth.access import check_model
from app.http.problems import openapi_problems
from app.schemas import MAX_VERSION, NAME, VERSION, ModelList
from app.service import KeyDep, ServiceDep
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
