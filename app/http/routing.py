"""Which endpoint a request is for, by its path and method.

FastAPI's routing, dependencies and serialisation cost more than a prediction, and its import half of a start. So
endpoints take the service and the request as they are and return a response, and FastAPI only documents them: it is
imported when somebody reads that, see app.http.openapi.

A path with a slash at its end is the path without it: a redirect would have to build an address from what a proxy
passes on. HEAD is answered as GET is, without the body.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.http.context import RequestContext
from app.service import Service

Endpoint = Callable[[Service, RequestContext], Awaitable[Response]]
Register = Callable[[Endpoint], Endpoint]
Documentation = Callable[[], dict[str, Any]]
"""Makes what FastAPI takes as arguments of a route; its tables and schemas are made when they are read."""

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
"""The methods that at least one path takes, as Allow lists them."""


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint.

    Attributes:
        path: with the names of its parameters in braces.
        method: GET or POST.
        endpoint: maps service and context to a response.
        documentation: in OpenAPI; None leaves it out.
        tags: of it.
        pattern: matches the paths; None where there is one only.
    """

    path: str
    method: str
    endpoint: Endpoint
    documentation: Documentation | None
    tags: Sequence[str]
    pattern: re.Pattern[str] | None


class Router:
    """Collects routes.

    Args:
        prefix: of their paths.
        tags: of their documentation.
    """

    def __init__(self, prefix: str = "", tags: Sequence[str] = ()) -> None:
        self._prefix = prefix
        self._tags = tags
        self.routes: list[Route] = []

    def get(self, path: str, documentation: Documentation | None = None) -> Register:
        """Register an endpoint for GET."""
        return self.register("GET", path, documentation)

    def post(self, path: str, documentation: Documentation | None = None) -> Register:
        """Register an endpoint for POST."""
        return self.register("POST", path, documentation)

    def register(self, method: str, path: str, documentation: Documentation | None) -> Register:
        """Register an endpoint."""
        whole = self._prefix + path
        pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(whole))) if "{" in path else None

        def add(endpoint: Endpoint) -> Endpoint:
            self.routes.append(Route(whole, method, endpoint, documentation, self._tags, pattern))
            return endpoint

        return add


class RouteTable:
    """Finds the route of a request.

    Args:
        routers: the service's.
    """

    def __init__(self, routers: Iterable[Router]) -> None:
        self.routes = [route for router in routers for route in router.routes]
        self._fixed: dict[str, list[Route]] = {}
        for route in self.routes:
            if route.pattern is None:
                self._fixed.setdefault(route.path, []).append(route)

    def find(self, context: RequestContext) -> Route:
        """Find the route of a request; its path goes into the context, and its parameters into the scope.

        Raises:
            HTTPException: 404: nothing is at the path; 405: the path does not take the method.
        """
        method = context.scope["method"]
        if method == "HEAD":
            method = "GET"
        at_path = self._at(context.path)
        for route, parameters in at_path:
            context.route = route.path
            if method == route.method:
                context.scope["path_params"] = parameters
                return route
        raise HTTPException(405, headers={"Allow": _allowed(at_path)}) if at_path else HTTPException(404)

    def options(self, context: RequestContext) -> Response:
        """The response to OPTIONS: the methods that a path takes, or of ``*`` those of all paths.

        Raises:
            HTTPException: 404: nothing is at the path.
        """
        if context.path == "*":
            return Response(status_code=204, headers={"Allow": ", ".join(METHODS)})
        at_path = self._at(context.path)
        if not at_path:
            raise HTTPException(404)
        context.route = at_path[0][0].path
        return Response(status_code=204, headers={"Allow": _allowed(at_path)})

    def _at(self, path: str) -> list[tuple[Route, dict[str, Any]]]:
        """The routes of a path, each with the path's parameters."""
        if path in self._fixed:
            return [(route, {}) for route in self._fixed[path]]
        matches = ((route, route.pattern.fullmatch(path)) for route in self.routes if route.pattern is not None)
        return [(route, match.groupdict()) for route, match in matches if match]


def _allowed(at_path: list[tuple[Route, dict[str, Any]]]) -> str:
    """The methods that these routes of one path take, as Allow lists them."""
    methods = {"OPTIONS"}.union(route.method for route, _ in at_path)
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(method for method in METHODS if method in methods)
