"""From a call to its response, with what the dispatcher gives to all requests: keys, limits, deadline and metrics."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc.aio
from starlette.requests import ClientDisconnect
from starlette.types import Message

from app.errors import TooLargeError, UnavailableError
from app.http.context import RequestContext
from app.http.dispatcher import Dispatcher
from app.service import Service
from app.transport.grpc.messages import CLASSES
from app.transport.grpc.methods import Method
from app.transport.grpc.statuses import Status, status_of

HEADERS = frozenset({"authorization", "x-api-key", "x-request-id", "traceparent"})
"""Metadata that are read as HTTP's headers of these names are."""
EOF = grpc.aio.EOF
STOPPED = Status(grpc.StatusCode.UNAVAILABLE, "The service is shutting down; send further requests to another.")
GONE = Status(grpc.StatusCode.CANCELLED, "The client has disconnected.")
STREAM_END_SECONDS = 0.5
"""Time that clients have to end their streams when the server stops."""
_StreamResponse = CLASSES["ModelStreamInferResponse"]

Receive = Callable[[], Awaitable[Any]]
"""Returns a message's bytes, or EOF."""


class RPCContext(RequestContext):
    """One request of a call."""

    def __init__(self, path: str, rpc: Any, service: Service) -> None:
        headers = [(name.encode(), value.encode()) for name, value in rpc.invocation_metadata() if name in HEADERS]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        super().__init__(scope, _receive_nothing, service.settings.max_body_bytes, service.tracer)
        self.route = path
        self.complete = False

    def is_disconnected(self) -> bool:
        return False  # grpcio cancels the task of a call whose client has gone


class RPCHandler:
    """Responds to the calls of a server.

    Args:
        dispatcher: of the application.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._service = dispatcher.service
        self._calls = 0
        self._waiting_streams: set[asyncio.Task[Any]] = set()
        self._stopping = self._ended = False
        self.hold: asyncio.Event | None = None
        """If there, responses wait until it is set: the server is about to stop."""
        self.last_request_at = 0.0
        """When the last request came, by ``perf_counter``."""

    def unary(self, path: str, method: Method) -> Any:
        """A handler, for grpcio, of a method that takes one request.

        For grpcio it takes a stream, so that keys and limits are checked, and the deadline runs, before it is received.
        """

        async def handle(_: object, rpc: Any) -> bytes:
            context = RPCContext(path, rpc, self._service)
            self._calls += 1
            try:
                response = await self._respond(context, method, rpc.read)
                if self.hold is not None:
                    await self.hold.wait()
            finally:
                self._calls -= 1
            if isinstance(response, bytes):
                return response
            await rpc.abort(response.code, response.message, (("x-request-id", context.request_id), *response.metadata))
            raise AssertionError("abort raises")

        return grpc.stream_unary_rpc_method_handler(handle)

    def stream(self, path: str, method: Method) -> Any:
        """A handler, for grpcio, of a method that takes a stream: each message is a request, and answered in turn.

        So is the opening of the stream, which checks its key before anything is received.
        """

        async def handle(_: object, rpc: Any) -> None:
            self._calls += 1
            try:
                opened = await self._respond(RPCContext(path, rpc, self._service), OPEN, partial(_completed, b""))
                if isinstance(opened, Status):
                    await rpc.abort(*opened)
                while (body := await self._next_message(rpc)) is not EOF:
                    response: bytes | Status = STOPPED
                    if not self._stopping:
                        context = RPCContext(path, rpc, self._service)
                        response = await self._respond(context, method, partial(_completed, body))
                    if self.hold is not None:
                        await self.hold.wait()
                    if isinstance(response, Status):
                        response = _StreamResponse(error_message=response.message).SerializeToString()
                    await rpc.write(response)
            except _StreamEndError as end:
                await rpc.abort(*end.status)
            finally:
                self._calls -= 1

        return grpc.stream_stream_rpc_method_handler(handle)

    async def end_streams(self) -> None:
        """Reject further messages of streams for a while, in which their clients may end them, and then end them.

        A stream that ends while its client sends a message would lose more than that: grpcio closes the connection, and
        the client may miss why.
        """
        self._stopping = True
        await asyncio.sleep(STREAM_END_SECONDS)
        self._ended = True
        for task in self._waiting_streams:
            task.cancel()

    async def _respond(self, context: RPCContext, method: Method, receive: Receive) -> bytes | Status:
        """The response to a request, or why it failed."""
        dispatcher, task = self._dispatcher, asyncio.current_task()
        assert task is not None
        self.last_request_at = context.started
        dispatcher.begin(context, partial(_expire, context, task))
        try:
            self._check_calls()
            if not method.public:
                dispatcher.authorize(context)
            body = await receive()
            if body is EOF:  # grpcio rejects a message over its limit
                raise _no_message(self._service.settings.max_body_bytes)
            context.complete = True
            response = await method(self._service, context, body)
            context.status = 200
            return response
        except asyncio.CancelledError:
            if not context.expired:  # the client has cancelled the call, or it is past its own deadline
                raise
            return self._failure(context, dispatcher.timeout_error(context))
        except Exception as error:  # as the dispatcher does
            return self._failure(context, error)
        finally:
            dispatcher.end(context)

    def _check_calls(self) -> None:
        limit = self._service.settings.max_connections
        if self._calls > limit:
            raise UnavailableError(
                f"{limit} gRPC calls are open, and NALU_MAX_CONNECTIONS allows no more; try again later.",
                reason="connections",
            )

    async def _next_message(self, rpc: Any) -> Any:
        """The next message of a stream, or EOF.

        Raises:
            _StreamEndError: the server stops, or the stream has been silent for as long as a connection may idle.
        """
        task, limit = asyncio.current_task(), self._service.settings.keep_alive_seconds
        assert task is not None
        if self._ended:
            raise _StreamEndError(STOPPED)
        self._waiting_streams.add(task)
        try:
            async with asyncio.timeout(limit):
                return await rpc.read()
        except TimeoutError:
            silence = f"{limit:g} seconds, the limit of NALU_KEEP_ALIVE_SECONDS"
            message = f"The stream has had no message for {silence}; open another."
            raise _StreamEndError(Status(grpc.StatusCode.UNAVAILABLE, message)) from None
        except asyncio.CancelledError:
            if self._ended:
                raise _StreamEndError(STOPPED) from None
            raise
        finally:
            self._waiting_streams.discard(task)

    def _failure(self, context: RPCContext, error: Exception) -> Status:
        if isinstance(error, ClientDisconnect):
            return GONE
        known = self._dispatcher.record_error(context, error)
        context.status = 400 if known.status_code == 422 else known.status_code  # as under /v2
        return status_of(known)


class _StreamEndError(Exception):
    """The server ends a stream, with a status."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.message)
        self.status = status


def _no_message(limit: int) -> TooLargeError:
    return TooLargeError(
        f"The call has no message of at most {limit} bytes; send one, and fewer rows or files at a time."
    )


async def _completed(body: bytes) -> bytes:
    return body


async def _receive_nothing() -> Message:
    raise AssertionError("messages do not come by ASGI")


async def _open(_: Service, __: RequestContext, ___: Any) -> Any:
    return CLASSES["Empty"]()


OPEN = Method(_open, "Empty")
"""What the opening of a stream calls."""


def _expire(context: RPCContext, task: "asyncio.Task[Any]") -> None:
    """A request is past its deadline."""
    context.expired = True
    task.cancel()
