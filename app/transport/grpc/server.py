"""The gRPC server of one process, in the event loop of its HTTP server."""

import asyncio
import logging
from time import perf_counter
from typing import Any

import grpc.aio

from app.http.dispatcher import Dispatcher
from app.settings import Settings
from app.transport.grpc.credentials import Certificate
from app.transport.grpc.handler import RPCHandler
from app.transport.grpc.listeners import listening_sockets
from app.transport.grpc.methods import METHODS, STREAMS
from app.transport.shutdown import stop_accepting

logger = logging.getLogger(__name__)

QUIET_SECONDS = 0.1
"""When no request has come for this long while responses are held back, every client waits for its response."""
MAX_HOLD_SECONDS = 0.5
"""Longest time that responses are held back; clients that send at a fixed rate never wait for theirs."""
GOAWAY_SECONDS = 0.05
"""Time in which grpcio tells all clients to send further requests elsewhere."""


class GRPCServer:
    """Serves gRPC on the settings' host, at its own port.

    Args:
        dispatcher: of the application.

    Raises:
        SettingsError: the certificate cannot be used.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._settings = dispatcher.service.settings
        self._handler = RPCHandler(dispatcher)
        self._certificate = Certificate(self._settings) if self._settings.ssl_certfile else None
        self._server: Any = None

    async def start(self) -> None:
        """Listen.

        Raises:
            RuntimeError: the address cannot be listened on.
        """
        self._server = grpc.aio.server(options=_options(self._settings))
        for service, methods in METHODS.items():
            handlers = {}
            for name, method in methods.items():
                kind = self._handler.stream if name in STREAMS else self._handler.unary
                handlers[name] = kind(f"/{service}/{name}", method)
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        if self._certificate is None:
            self._server.add_insecure_port(_address(self._settings))
        else:
            self._server.add_secure_port(_address(self._settings), self._certificate.credentials())
        await self._server.start()
        logger.info("gRPC running on %s", _address(self._settings))

    async def drain(self) -> None:
        """Stop so that no request is lost of a client that waits for its responses.

        grpcio cancels requests that arrive between its stop and the moment at which the client has heard of it. So the
        responses are held back until no request comes any more: then clients have nothing under way, and hear of the
        stop before they get their response and could send the next one.
        """
        for listener in listening_sockets(self._settings.grpc_port):
            with listener:  # a duplicate that stays open would keep the port open too
                stop_accepting([listener])
        self._handler.hold = asyncio.Event()
        begun = perf_counter()
        while (now := perf_counter()) < begun + MAX_HOLD_SECONDS:
            quiet_at = max(begun, self._handler.last_request_at) + QUIET_SECONDS
            if now >= quiet_at:
                break
            await asyncio.sleep(quiet_at - now)
        stopping = asyncio.create_task(self.stop())
        await asyncio.sleep(GOAWAY_SECONDS)
        self._handler.hold.set()
        await stopping

    async def stop(self) -> None:
        """Accept no further request, and end when those in flight have their responses; a second call does nothing."""
        server, self._server = self._server, None
        if server is not None:
            ending = asyncio.create_task(self._handler.end_streams())
            await server.stop(self._settings.shutdown_timeout_seconds)
            ending.cancel()


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", int(settings.workers > 1)),  # else two services could share the port unnoticed
        ("grpc.max_receive_message_length", settings.max_body_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", settings.max_head_bytes),
        ("grpc.absolute_max_metadata_size", settings.max_head_bytes),
        ("grpc.server_handshake_timeout_ms", _milliseconds(settings.head_timeout_seconds)),
        ("grpc.max_connection_idle_ms", _milliseconds(settings.keep_alive_seconds)),
        ("grpc.keepalive_time_ms", _milliseconds(settings.keep_alive_seconds)),
        ("grpc.keepalive_timeout_ms", _milliseconds(settings.send_timeout_seconds)),
        ("grpc.http2.ping_timeout_ms", _milliseconds(settings.send_timeout_seconds)),
    ]


def _milliseconds(seconds: float) -> int:
    return max(1, min(round(seconds * 1000), 2**31 - 1))


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.grpc_port}"
