"""Routes that FastAPI documents and the dispatcher calls.

FastAPI's routing, dependencies and serialisation cost more than a prediction does. The endpoints that predict take the
request alone and answer a response, so nothing of that is needed but the page that describes them.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Scope

from app.http.context import RequestContext
from app.service import Service

Endpoint = Callable[[Service, RequestContext], Awaitable[Response]]


class DirectRoute(APIRoute):
    """A route of ``APIRouter(route_class=DirectRoute)``: its endpoint maps service and context to a response."""


class DirectRoutes:
    """Finds the endpoint of a request among the direct routes of some routers.

    Args:
        routers: where to look; their other routes are left to FastAPI.
    """

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        routes = [route for router in routers for route in router.routes if isinstance(route, DirectRoute)]
        self._plain = {(method, route.path): route for route in routes for method in route.methods or ()}
        self._patterns = [route for route in routes if route.param_convertors]

    def find(self, scope: Scope) -> DirectRoute | None:
        """The route of a request, whose path parameters are then in the scope; None where FastAPI answers."""
        path: str = scope["path"]
        method: str = scope["method"]
        root: str = scope.get("root_path", "")
        if root and path.startswith(root):
            path = path[len(root) :]
        route = self._plain.get((method, path))
        if route is not None:
            return route
        for route in self._patterns:
            if method in (route.methods or ()) and (match := route.path_regex.match(path)):
                parameters: dict[str, Any] = match.groupdict()
                scope["path_params"] = parameters
                return route
        return None
