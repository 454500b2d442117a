"""GET /: the page to try the models on, and GET /page/{file}: its scripts and styles."""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Path, Response
from starlette.exceptions import HTTPException

from app.http.conditional import IfNoneMatch, etag_response

router = APIRouter(include_in_schema=False)

MEDIA_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
"""By suffix; the machine's own table may have others, and browsers run no module of another type."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""What the page loads comes from the service, and nothing may frame it."""


@router.get("/")
async def index(if_none_match: IfNoneMatch = None) -> Response:
    """The page. Its addresses are relative: a proxy may serve it below any path that ends with a slash."""
    return _response("index.html", if_none_match)


@router.get("/page/{file}")
async def asset(file: Annotated[str, Path()], if_none_match: IfNoneMatch = None) -> Response:
    """A script or style of the page."""
    return _response(file, if_none_match)


def _response(name: str, if_none_match: str | None) -> Response:
    content = _files().get(name)
    if content is None:
        raise HTTPException(404)
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    return etag_response(content, sha256(content).hexdigest(), if_none_match, media_type=media_type, headers=HEADERS)


@cache
def _files() -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in files("app.http").joinpath("page").iterdir()}
