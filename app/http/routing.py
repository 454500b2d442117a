"""Which endpoint a request is for, by its path and method.

FastAPI's routing, dependencies and serialisation cost more than a prediction. Endpoints that predict take the service
and the request as they are and return a response, so FastAPI only documents them: they are direct routes.

A path with a slash at its end is the path without it: a redirect would have to build an address from what a proxy
passes on. HEAD is answered as GET is, without the body.
"""

from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from app.http.context import RequestContext
from app.service import Service

Endpoint = Callable[[Service, RequestContext], Awaitable[Response]]

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
"""The methods that at least one path takes, as Allow lists them."""


class DirectRoute(Route):
    """A route of a ``direct_router``: its endpoint maps service and context to a response.

    What documents it is kept until the OpenAPI document is asked for: FastAPI takes a while to prepare it.
    """

    def __init__(self, path: str, endpoint: Endpoint, *, methods: list[str], **documentation: Any) -> None:
        super().__init__(path, endpoint)
        self.methods = set(methods)
        self._documentation = {"methods": methods, **documentation}

    def documented(self) -> APIRoute:
        """The route as FastAPI documents it."""
        return APIRoute(self.path, self.endpoint, **self._documentation)


def direct_router(*, prefix: str, tags: list[str | Enum]) -> APIRouter:
    """A router of direct routes."""
    return APIRouter(prefix=prefix, tags=tags, route_class=DirectRoute)  # type: ignore[arg-type]  # any Route does


class RouteTable:
    """Finds the route of a request.

    Args:
        routers: the service's; FastAPI may have other routes.
    """

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        routes = [route for router in routers for route in router.routes if isinstance(route, Route)]
        self._plain: dict[str, list[Route]] = {}
        for route in routes:
            self._plain.setdefault(route.path, []).append(route)
        self._patterns = [route for route in routes if route.param_convertors]

    def find(self, context: RequestContext) -> Route | None:
        """Find the route of a request; its path goes into the context, and its parameters into the scope.

        Returns:
            None where nothing is at the path.

        Raises:
            HTTPException: 405: the path does not take the method.
        """
        method = context.scope["method"]
        if method == "HEAD":
            method = "GET"
        at_path = self._at(context.path)
        for route, parameters in at_path:
            context.route = route.path
            if method in (route.methods or ()):
                context.scope["path_params"] = parameters
                return route
        if at_path:
            raise HTTPException(405, headers={"Allow": _allowed(at_path)})
        return None

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
        if path in self._plain:
            return [(route, {}) for route in self._plain[path]]
        matches = ((route, route.path_regex.match(path)) for route in self._patterns)
        return [(route, match.groupdict()) for route, match in matches if match]


def _allowed(at_path: list[tuple[Route, dict[str, Any]]]) -> str:
    """The methods that these routes of one path take, as Allow lists them."""
    methods = {"OPTIONS"}.union(*(route.methods or () for route, _ in at_path))
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(method for method in METHODS if method in methods)
