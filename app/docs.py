"""GET /docs: Swagger UI from an installed package, so that the page works with no network."""

import io
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse
from PIL import Image, ImageDraw

router = APIRouter(prefix="/docs", include_in_schema=False)

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


@router.get("")
async def docs(request: Request) -> HTMLResponse:
    """The page itself. All its addresses are relative to where a proxy may have put the service."""
    root = request.scope.get("root_path", "").rstrip("/")
    return get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title=f"{request.app.title}: API",
        swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/favicon.png",
        swagger_ui_parameters={"tryItOutEnabled": True, "displayRequestDuration": True},
    )


def _add_asset(name: str, media_type: str) -> None:
    @router.get(f"/{name}", name=name)
    async def asset() -> FileResponse:
        return FileResponse(str(files("fastapi_offline") / "static" / name), media_type=media_type)


for _name, _media_type in ASSETS.items():
    _add_asset(_name, _media_type)


@router.get("/digit.png")
async def digit() -> Response:
    """A digit to try the picture models with, drawn with four strokes."""
    return Response(example_digit(), media_type="image/png")


@cache
def example_digit() -> bytes:
    """A seven, dark on white, 96 x 96 pixels, as PNG."""
    picture = Image.new("L", (96, 96), 255)
    ImageDraw.Draw(picture).line([(24, 22), (70, 22), (42, 78)], fill=20, width=9, joint="curve")
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()
