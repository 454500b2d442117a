"""The fast path: a small prediction is answered where uvicorn has parsed it.

A ``POST /predict/arithmetic`` or ``POST /predict/image`` of at most 1 MiB, on a connection that is idle and stays
open, costs no task, no messages between server and application, and one write: about half of what a request costs
otherwise. All other requests take uvicorn's way to the same dispatcher, and get the same responses.
"""

from functools import cache
from typing import Any

import httptools

from app.errors import ServiceError
from app.http.context import RequestContext
from app.http.dispatcher import Dispatcher
from app.transport.fast_path_cycle import FAST_PATH_ROUTES, FastPathCycle
from app.transport.framing import Part
from app.transport.known_heads import EMPTY_LINE, FastPathHead, KnownHeads
from app.transport.uvicorn_protocol import Cycle, CycleProtocol

_BEGIN = Part.BEGIN


@cache
def fast_paths(root_path: str | None) -> dict[bytes, str]:
    """The route of each target that may take the fast path: with and without the prefix of a proxy."""
    prefixes = {"", root_path or ""}
    return {(prefix + route).encode("ascii"): route for route in FAST_PATH_ROUTES for prefix in prefixes}


class FastPathProtocol(CycleProtocol):
    """uvicorn's protocol with the fast path; its application must be an ``app.main.Application``."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        settings = self.app.dispatcher.service.settings
        self.max_head_bytes = settings.max_head_bytes
        self.max_queue_seconds = settings.max_queue_delay_seconds
        self.max_header_fields = settings.max_header_fields
        self.max_body_bytes = settings.max_body_bytes
        self.fast_paths = fast_paths(settings.root_path)
        self.known_heads: KnownHeads = self.app.known_heads

    def take(self, data: bytes, read_at: float) -> None:
        """Answer a request with a known head, which comes alone; parse all other data."""
        self.read_at = read_at
        if self.part is not _BEGIN or self.counted_bytes or self.rejection is not None or not self.is_free():
            super().take(data, read_at)
            return
        end = data.find(EMPTY_LINE) + len(EMPTY_LINE)
        head, before = self.known_heads.get(data[:end]), self.cycle
        whole = head is not None and len(data) == end + head.declared_bytes
        if head is not None and whole and self.within_limit and not self.is_late:
            self.waiting_since = None
            cycle = FastPathCycle(self, head)
            self.cycle = cycle  # type: ignore[assignment]
            cycle.begin()
            cycle.start(data[end:])
            return
        super().take(data, read_at)
        if head is None and isinstance(self.cycle, FastPathCycle) and self.cycle is not before:
            self.known_heads.learn(data, end, self.cycle.head)

    def is_free(self) -> bool:
        """Whether a request can be answered at once: it waits for none before it, nor for the client to read."""
        return (self.cycle is None or self.cycle.response_complete) and not (self.pipeline or self.flow.write_paused)

    def choose_cycle(self) -> Cycle | None:
        if not self.is_free():
            return None
        head = FastPathHead(self.headers, self.fast_paths[self.url], self.max_body_bytes)
        return FastPathCycle(self, head) if head.fits else None

    def send_rejection(self, error: ServiceError) -> None:
        """Send the response to a request that is not even begun; it is counted and logged as all others are."""
        dispatcher: Dispatcher = self.app.dispatcher
        begun = self.part is not Part.BEGIN  # else the target and headers are those of the request before
        method = self.parser.get_method().decode("ascii") if begun else ""
        path = _path(self.url) if begun else ""
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "root_path": dispatcher.service.settings.root_path or "",
            "headers": self.headers if begun else [],
            "client": self.client,
            "scheme": self.scheme,
        }
        context = RequestContext(scope, _receive_nothing, dispatcher.service.settings.max_body_bytes, None)
        context.route = self.fast_paths.get(self.url, "") if method == "POST" else ""
        dispatcher.begin(context, _do_nothing)
        response = dispatcher.error_response(context, error)
        context.status = response.status_code
        common = [*dispatcher.common_headers(context), (b"connection", b"close")]
        headers = dict([*self.server_state.default_headers, *response.raw_headers, *common])  # each once
        body = b"" if method == "HEAD" else bytes(response.body)
        self.write_response(response.status_code, headers.items(), body)
        dispatcher.end(context)


async def _receive_nothing() -> Any:
    raise AssertionError("the fast path has the whole body")


def _do_nothing() -> None: ...


def _path(url: bytes) -> str:
    """Path of a target, which may have come in part."""
    try:
        return (httptools.parse_url(url).path or b"").decode("latin-1")
    except httptools.HttpParserError:
        return ""
