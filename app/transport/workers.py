"""Several processes on one port, each with a listening socket of its own.

On a socket that they share, the process that wakes first accepts all connections of a burst, and a client's pool of 64
may end with one worker. With sockets of their own the kernel deals connections out, and what a worker holds is its own
to drain.
"""

import asyncio
import socket
from typing import Any

import uvloop
from uvicorn import Config
from uvicorn.supervisors import Multiprocess

LISTENERS: list[socket.socket] = []
"""This process's own, once it serves."""


class WorkerEventLoop(uvloop.Loop):
    """An event loop that does not listen on the socket it is given, but on another one at the same address."""

    async def create_server(  # type: ignore[override]
        self, *arguments: Any, sock: socket.socket, **options: Any
    ) -> asyncio.AbstractServer:
        own = socket.socket(sock.family)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        own.bind(sock.getsockname())
        LISTENERS.append(own)
        return await super().create_server(*arguments, sock=own, **options)


def run_workers(config: Config) -> None:
    """Start the workers, replace those that die, and pass signals on, until one ends it all."""
    port = config.bind_socket()  # it keeps the port and does not listen
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    Multiprocess(config, [port]).run()
