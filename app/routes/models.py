"""GET /models and GET /models/{name}: what there is, and what each model promises."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.schemas import MAX_VERSION, ModelList, problems
from app.service import ServiceDep
from models.manifest import Manifest

router = APIRouter(prefix="/models", tags=["models"])


@router.get("", summary="All models, in their highest version", responses=problems(503))
async def list_models(service: ServiceDep) -> ModelList:
    """The manifests of all models, each in its highest version: shapes, training range, measured errors, formula."""
    return ModelList(models=service.repository.latest())


@router.get("/{name}", summary="What one model promises", responses=problems(404, 422, 503))
async def get_model(
    service: ServiceDep,
    name: Annotated[str, Path(examples=["add"])],
    version: Annotated[int | None, Query(ge=1, le=MAX_VERSION, description="The highest by default.")] = None,
) -> Manifest:
    """The manifest of one model."""
    return service.repository.get(name, version).manifest
