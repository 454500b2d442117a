"""GET /models/{name}/curves and /models/{name}/report: files of a version folder that show what its model does."""

import asyncio
import logging

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from app.errors import ModelFileNotFoundError, UnavailableError
from app.http.conditional import IfNoneMatch, etag_response, openapi_not_modified
from app.http.problems import openapi_problems
from app.routes.models import Name, Version
from app.service import KeyDep, ServiceDep
from models.curves import CURVES_FILE, Curves
from models.manifest import REPORT_FILE, Manifest, ManifestError

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/models", tags=["models"])

PAGE_WITHOUT_SCRIPTS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Headers of a page that a browser shows, and nothing more: it runs no script and loads nothing."""


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


@router.get(
    "/{name}/report",
    summary="Report of one model",
    response_class=HTMLResponse,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}},
        **openapi_not_modified(),
        **openapi_problems(404, 422, 503),
    },
)
async def get_report(
    service: ServiceDep, key: KeyDep, name: Name, version: Version = None, if_none_match: IfNoneMatch = None
) -> Response:
    """The model card that `python -m training report` wrote: formula, errors, plots and origin, as a page."""
    model = service.model(key, name, version)
    manifest = model.manifest
    if REPORT_FILE not in manifest.files:
        raise ModelFileNotFoundError(
            f"Model '{name}' version {manifest.version} has no {REPORT_FILE}; `python -m training report {name} "
            f"--version {manifest.version}` writes it."
        )
    try:
        content = await asyncio.to_thread(manifest.read_file, model.folder, REPORT_FILE)
    except ManifestError as error:
        logger.error("The report of '%s' version %d is not served: %s", name, manifest.version, error)
        raise UnavailableError(f"The report of '{name}' cannot be read or has changed; write it again.") from error
    tag = manifest.files[REPORT_FILE].sha256
    return etag_response(content, tag, if_none_match, media_type="text/html", headers=PAGE_WITHOUT_SCRIPTS)


def _no_curves(manifest: Manifest) -> str:
    if manifest.task != "arithmetic":
        return f"Model '{manifest.name}' is of task '{manifest.task}'; only models of task 'arithmetic' have curves."
    return (
        f"Model '{manifest.name}' version {manifest.version} has no {CURVES_FILE}; `python -m training curves "
        f"{manifest.name} --version {manifest.version}` adds it."
    )
