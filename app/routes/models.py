"""GET /models, /models/{name} and /models/{name}/versions: what there is, and what each model promises."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from app.schemas import MAX_VERSION, NAME, VERSION, ModelList, problems
from app.service import ServiceDep
from models.manifest import Manifest

router = APIRouter(prefix="/models", tags=["models"])

Name = Annotated[str, Path(examples=["add"], json_schema_extra=NAME)]


class VersionState(BaseModel):
    """What is known of one version of a model."""

    version: int
    state: Literal["ready", "damaged"]
    reason: str | None = Field(description="What is wrong with a damaged folder.")


class VersionList(BaseModel):
    """All versions of a model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "add", "versions": [{"version": 1, "state": "ready", "reason": None}]}],
        }
    )

    name: str
    versions: list[VersionState]


@router.get("", summary="All models, in their highest version", responses=problems(503))
async def list_models(service: ServiceDep) -> ModelList:
    """The manifests of all models, each in its highest version: shapes, training range, measured errors, formula."""
    return ModelList(models=service.repository.latest())


@router.get("/{name}", summary="What one model promises", responses=problems(404, 422, 503))
async def get_model(
    service: ServiceDep,
    name: Name,
    version: Annotated[
        int | None, Query(ge=1, le=MAX_VERSION, description="The highest by default."), WithJsonSchema(VERSION)
    ] = None,
) -> Manifest:
    """The manifest of one model."""
    return service.repository.get(name, version).manifest


@router.get("/{name}/versions", summary="The versions of one model", responses=problems(404, 503))
async def list_versions(service: ServiceDep, name: Name) -> VersionList:
    """All versions of one model, lowest first, each with its state; a damaged one with the reason."""
    found = service.repository.versions_of(name)
    versions = [VersionState(version=version, state=entry.state, reason=entry.reason) for version, entry in found]
    return VersionList(name=name, versions=versions)
