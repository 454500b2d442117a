"""The OpenAPI document, and GET /docs: Swagger UI from an installed package, which works offline.

FastAPI makes the document of what the routes say of themselves, once it is first read, and nothing else: it is
imported here alone, in a thread, as that takes a third of a second.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from pydantic_core import to_json
from starlette.responses import FileResponse, HTMLResponse, Response

from app.auth.access import SECURITY, SECURITY_SCHEMES, is_public
from app.codecs.v2.schemas import openapi_error
from app.http.context import RequestContext
from app.http.problems import PROBLEM_TYPE, openapi_problem
from app.http.routing import Endpoint, Route, Router
from app.service import Service

router = Router()

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


DESCRIPTION = """Neural arithmetic that stays right beyond its training range: numbers in, numbers out; images in,
numbers or labels out. Every model's manifest gives its training range, its measured errors and, where it is known, the
formula that it computes."""
TITLE = "nalu-serve"


def openapi_document(service: Service, routes: Iterable[Route]) -> dict[str, Any]:
    """The OpenAPI document of routes; its errors are those that the service sends."""
    from fastapi import FastAPI

    settings = service.settings
    servers = [{"url": settings.root_path or "."}]  # relative to the document, below whatever path a proxy has
    app = FastAPI(title=TITLE, description=DESCRIPTION, version=version(TITLE), servers=servers)
    for route in routes:
        if route.documentation is not None:
            tags: Any = list(route.tags)
            made = route.documentation()
            app.add_api_route(route.path, _signature(route.endpoint), methods=[route.method], tags=tags, **made)
    document = app.openapi()
    _correct_errors(document)
    if service.access is not None:
        _require_keys(document, settings.metrics_require_key)
    return document


def _signature(endpoint: Endpoint) -> Callable[[], None]:
    """A function of the name and docstring of an endpoint, whose own parameters FastAPI would take for a client's."""

    def documented() -> None: ...

    documented.__name__, documented.__doc__ = endpoint.__name__, endpoint.__doc__
    return documented


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            yield path, operation


def _correct_errors(schema: dict[str, Any]) -> None:
    """Remove FastAPI's own errors, which the service never sends."""
    for _, operation in _operations(schema):
        for status, response in list(operation["responses"].items()):
            content = response.get("content", {})
            if PROBLEM_TYPE in content:
                problem = content[PROBLEM_TYPE]["schema"]
                repeated = [kind for kind in content if kind != PROBLEM_TYPE and content[kind]["schema"] == problem]
                for kind in repeated:  # of the endpoint's own media type
                    del content[kind]
            elif status == "422":
                del operation["responses"][status]
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)


def _require_keys(schema: dict[str, Any], metrics_require_key: bool) -> None:
    """Document which paths require an API key, and what they respond to requests that none allows."""
    schema["components"]["securitySchemes"] = SECURITY_SCHEMES
    schema["security"] = SECURITY
    for path, operation in _operations(schema):
        if is_public(path, metrics_require_key):
            operation["security"] = []
        else:
            names_model = "404" in operation["responses"]
            for status in (401, 403, 429) if names_model else (401, 429):
                error = openapi_error(status) if path.startswith("/v2") else openapi_problem(status)
                operation["responses"].setdefault(str(status), {"description": HTTPStatus(status).phrase} | error)


@router.get("/openapi.json")
async def document(service: Service, _: RequestContext) -> Response:
    """The OpenAPI document."""
    return Response(to_json(await asyncio.to_thread(service.openapi)), media_type="application/json")


@router.get("/docs")
async def docs(_: Service, context: RequestContext) -> Response:
    """The page."""
    root = ".." if context.scope["path"].endswith("/") else "."
    page = await asyncio.to_thread(_page, root)
    return HTMLResponse(page, headers=_page_headers(page))


@cache
def _page(root: str) -> bytes:
    from fastapi.openapi.docs import get_swagger_ui_html

    page = get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title=f"{TITLE}: API",
        swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/favicon.png",
        swagger_ui_parameters={"tryItOutEnabled": True, "displayRequestDuration": True, "defaultModelsExpandDepth": 0},
    )
    return bytes(page.body)


def _page_headers(page: bytes) -> dict[str, str]:
    """Headers that restrict a browser to the page's own scripts and forbid to frame it."""
    scripts = re.findall(rb"<script>(.*?)</script>", page, re.DOTALL)
    allowed = "".join(f" 'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in scripts)
    policy = f"default-src 'self'; script-src 'self'{allowed}; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
    return {
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }


def _add_asset(name: str, media_type: str) -> None:
    @router.get(f"/docs/{name}")
    async def asset(_: Service, __: RequestContext) -> Response:
        return FileResponse(str(files("fastapi_offline") / "static" / name), media_type=media_type)


for _name, _media_type in ASSETS.items():
    _add_asset(_name, _media_type)
