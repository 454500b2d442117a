"""The OpenAPI document, and GET /docs: Swagger UI from an installed package, which works offline."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from app.auth.access import SECURITY, SECURITY_SCHEMES, is_public
from app.codecs.v2.schemas import openapi_error
from app.http.problems import PROBLEM_TYPE, openapi_problem

router = APIRouter(include_in_schema=False)

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


def openapi_builder(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The function to set as the application's ``openapi``; its errors are those that the service sends."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = FastAPI.openapi(app)
            _correct_errors(schema)
            service = app.state.service
            if service.access is not None:
                _require_keys(schema, service.settings.metrics_require_key)
        assert app.openapi_schema is not None
        return app.openapi_schema

    return openapi


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
