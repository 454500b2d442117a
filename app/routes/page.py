"""GET /: the page to try the models on, and GET /page/{file}: its scripts and styles."""

from functools import cache
from hashlib import sha256
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.http.conditional import etag_response
from app.http.context import RequestContext
from app.http.routing import Router
from app.service import Service

router = Router()

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
async def index(_: Service, context: RequestContext) -> Response:
    """The page. Its addresses are relative: a proxy may serve it below any path that ends with a slash."""
    return _response(context, "index.html")


@router.get("/page/{file}")
async def asset(_: Service, context: RequestContext) -> Response:
    """A script or style of the page."""
    return _response(context, context.path_params["file"])


def _response(context: RequestContext, name: str) -> Response:
    content = _files().get(name)
    if content is None:
        raise HTTPException(404)
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    return etag_response(context, content, sha256(content).hexdigest(), media_type=media_type, headers=HEADERS)


@cache
def _files() -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in files("app.http").joinpath("page").iterdir()}
