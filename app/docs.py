"""GET /docs: Swagger UI from an installed package, so that the page works with no network."""

import io
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from PIL import Image, ImageDraw

from app.errors import PROBLEM_TYPE

router = APIRouter(include_in_schema=False)

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The application's ``openapi``, in which errors are problem details and nothing else."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = FastAPI.openapi(app)
            for operations in schema["paths"].values():
                for operation in operations.values():
                    for response in operation["responses"].values():
                        if PROBLEM_TYPE in response.get("content", {}):
                            response["content"].pop("application/json", None)
        assert app.openapi_schema is not None
        return app.openapi_schema

    return openapi


@router.get("/")
async def index(request: Request) -> RedirectResponse:
    """A browser that comes to the front door is shown the docs."""
    return RedirectResponse(request.scope.get("root_path", "").rstrip("/") + "/docs")


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The page itself. All its addresses are relative to where a proxy may have put the service."""
    root = request.scope.get("root_path", "").rstrip("/")
    return get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title=f"{request.app.title}: API",
        swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/favicon.png",
        swagger_ui_parameters={"tryItOutEnabled": True, "displayRequestDuration": True, "defaultModelsExpandDepth": 0},
    )


def _add_asset(name: str, media_type: str) -> None:
    @router.get(f"/docs/{name}", name=name)
    async def asset() -> FileResponse:
        return FileResponse(str(files("fastapi_offline") / "static" / name), media_type=media_type)


for _name, _media_type in ASSETS.items():
    _add_asset(_name, _media_type)


@router.get("/docs/digit.png")
async def digit() -> Response:
    """A digit to try the picture models with."""
    return Response(example_digit(), media_type="image/png")


@cache
def example_digit() -> bytes:
    """A three, dark on white, 96 x 96 pixels, as PNG."""
    picture = Image.new("L", (96, 96), 255)
    strokes = [(28, 22), (66, 22), (44, 46), (66, 60), (54, 78), (28, 74)]
    ImageDraw.Draw(picture).line(strokes, fill=20, width=9, joint="curve")
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()
