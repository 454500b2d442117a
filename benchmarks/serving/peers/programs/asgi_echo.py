"""An ASGI application that sends the body back, without a framework: what HTTP costs in a server alone."""

from collections.abc import Awaitable, Callable
from typing import Any

HEADERS = [(b"content-type", b"application/json")]


async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer one request; of the lifespan it wants nothing, as ASGI allows."""
    if scope["type"] != "http":
        raise NotImplementedError(f"{scope['type']} is not answered.")
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": body})
