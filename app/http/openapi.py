"""The OpenAPI document, and GET /docs: Swagger UI from an installed package, which works offline."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from pydantic.json_schema import models_json_schema

from app.auth.access import SECURITY, SECURITY_SCHEMES, is_public
from app.codecs.v2.schemas import ErrorResponse, openapi_error
from app.http.problems import PROBLEM_TYPE, Problem, openapi_problem
from app.http.routing import DirectRoute

router = APIRouter(include_in_schema=False)

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


def openapi_builder(app: FastAPI, routers: Iterable[APIRouter]) -> Callable[[], dict[str, Any]]:
    """The function to set as the application's ``openapi``, which documents the routers."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            routes = [route for router in routers for route in router.routes]
            app.openapi_schema = schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                servers=app.servers,
                routes=[route.documented() if isinstance(route, DirectRoute) else route for route in routes],
            )
            _correct_errors(schema)
            service = app.state.service
            if service.access is not None:
                _require_keys(schema, service.settings.metrics_require_key)
        return app.openapi_schema

    return openapi


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            yield path, operation


def _correct_errors(schema: dict[str, Any]) -> None:
    """Replace FastAPI's own errors, which the service never sends, by those that it sends."""
    for _, operation in _operations(schema):
        if PROBLEM_TYPE not in operation["responses"].get("422", {}).get("content", {}):
            operation["responses"].pop("422", None)
    schemas = schema["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _, own = models_json_schema(
        [(Problem, "serialization"), (ErrorResponse, "serialization")], ref_template="#/components/schemas/{model}"
    )
    schema["components"]["schemas"] = dict(sorted({**schemas, **own["$defs"]}.items()))


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
async def document(request: Request) -> JSONResponse:
    """The OpenAPI document."""
    return JSONResponse(request.app.openapi())


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The page."""
    root = ".." if request.scope["state"]["context"].scope["path"].endswith("/") else "."
    page = get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title=f"{request.app.title}: API",
        swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/favicon.png",
        swagger_ui_parameters={"tryItOutEnabled": True, "displayRequestDuration": True, "defaultModelsExpandDepth": 0},
    )
    page.headers.update(_page_headers(bytes(page.body)))
    return page


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
    @router.get(f"/docs/{name}", name=name)
    async def asset() -> FileResponse:
        return FileResponse(str(files("fastapi_offline") / "static" / name), media_type=media_type)


for _name, _media_type in ASSETS.items():
    _add_asset(_name, _media_type)
