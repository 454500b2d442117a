"""Direct routes: documented by FastAPI, called by the dispatcher.

FastAPI's routing, dependencies and serialisation cost more than a prediction. Endpoints that predict take the service
and the request as they are and return a response, so FastAPI only documents them.
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
        routers: the routers; FastAPI serves their other routes.
    """

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        routes = [route for router in routers for route in router.routes if isinstance(route, DirectRoute)]
        self._plain = {(method, route.path): route for route in routes for method in route.methods or ()}
        self._patterns = [route for route in routes if route.param_convertors]

    def find(self, scope: Scope) -> DirectRoute | None:
        """Find the route of a request and put its path parameters into the scope; None: FastAPI serves the request."""
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
