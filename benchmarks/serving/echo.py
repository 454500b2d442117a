"""What HTTP costs in Python without a model: a Starlette route that sends the body back.

``uvicorn benchmarks.serving.echo:app``
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def echo(request: Request) -> Response:
    """The body, as it came."""
    return Response(await request.body(), media_type="application/json")


app = Starlette(
    routes=[
        Route("/predict/arithmetic", echo, methods=["POST"]),
        Route("/predict/image", echo, methods=["POST"]),
    ]
)
