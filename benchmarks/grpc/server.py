"""python -m benchmarks.grpc.server HTTP_PORT GRPC_PORT ECHO_PORT: the service, and echoes of grpcio beside it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
import uvicorn
from fastapi import FastAPI
from tritonclient.grpc import service_pb2, service_pb2_grpc

from app.main import create_app
from app.settings import Settings
from app.transport.fast_path import FastPathProtocol

ECHO = "benchmark.Echo"


class Echo(service_pb2_grpc.GRPCInferenceServiceServicer):
    """The least that a service of the protocol can do: it answers with the tensor that it is sent."""

    async def ModelInfer(self, request: Any, _: object) -> Any:  # noqa: N802 - the protocol's name
        given = request.inputs[0]
        response = service_pb2.ModelInferResponse(model_name=request.model_name, id=request.id)
        response.outputs.add(name=given.name, datatype=given.datatype, shape=given.shape)
        response.raw_output_contents.append(request.raw_input_contents[0])
        return response


async def _echo_bytes(request: bytes, _: object) -> bytes:
    return request


def application(http_port: int, grpc_port: int, echo_port: int) -> FastAPI:
    """The service with the echoes in its event loop: what grpcio needs for a request and little else."""
    app = create_app(Settings(port=http_port, grpc_port=grpc_port, shutdown_grace_seconds=0, log_level="warning"))
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def with_echo(running: FastAPI) -> AsyncIterator[None]:
        async with lifespan(running):
            server = grpc.aio.server()
            service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Echo(), server)
            method = grpc.unary_unary_rpc_method_handler(_echo_bytes)
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(ECHO, {"Echo": method}),))
            server.add_insecure_port(f"127.0.0.1:{echo_port}")
            await server.start()
            yield
            await server.stop(0)

    app.router.lifespan_context = with_echo
    return app


if __name__ == "__main__":
    ports = tuple(map(int, sys.argv[1:4]))
    config = uvicorn.Config(
        application(*ports),
        port=ports[0],
        http=FastPathProtocol,
        interface="asgi3",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
    )
    uvicorn.Server(config).run()
