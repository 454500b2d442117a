"""gRPC: ``inference.GRPCInferenceService`` of the Open Inference Protocol, over the same models and batches as HTTP."""

from typing import Protocol

from app.http.dispatcher import Dispatcher
from app.settings import SettingsError


class Server(Protocol):
    """The gRPC server of a process, without its library."""

    async def start(self) -> None:
        """Listen."""

    async def drain(self) -> None:
        """Stop without losing requests."""

    async def stop(self) -> None:
        """Stop, once requests in flight have their responses."""


def create_grpc_server(dispatcher: Dispatcher) -> Server | None:
    """The server that the settings ask for; None: they ask for none.

    Raises:
        SettingsError: grpcio is not installed, or the certificate cannot be used.
    """
    port = dispatcher.service.settings.grpc_port
    if not port:
        return None
    try:
        from app.transport.grpc.server import GRPCServer
    except ImportError as error:
        raise SettingsError(
            f"NALU_GRPC_PORT is {port}, but gRPC is not installed: pip install 'nalu-serve[grpc]', or leave it out."
        ) from error
    return GRPCServer(dispatcher)
