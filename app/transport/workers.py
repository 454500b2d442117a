"""Several processes on one port, each with a listening socket of its own.

On a shared socket the process that wakes first accepts all connections of a burst, and a client's pool of 64 may end
with one worker. With a socket each, the kernel distributes connections, and each worker drains its own.
"""

import socket
from typing import Any

from uvicorn import Config
from uvicorn.supervisors import Multiprocess

LISTENERS: list[socket.socket] = []
"""Sockets of this process, if it is a worker: uvicorn hands them to its server, but not to the application."""


class WorkerSocket:
    """Becomes, in each worker it is sent to, a new socket bound to the address of the supervisor's.

    Args:
        reserved: the supervisor's socket, which keeps the port and does not listen.
    """

    def __init__(self, reserved: socket.socket) -> None:
        self._reserved = reserved

    def __reduce__(self) -> Any:
        return _bind, (self._reserved.family, self._reserved.getsockname())


def _bind(family: socket.AddressFamily, address: Any) -> socket.socket:
    own = socket.socket(family)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind(address)
    LISTENERS.append(own)
    return own


def run_workers(config: Config) -> None:
    """Start the workers, replace those that die and forward signals, until a signal stops the service."""
    reserved = config.bind_socket()
    sockets: list[Any] = [reserved]  # shared by all workers, where a port cannot be
    if hasattr(socket, "SO_REUSEPORT"):
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sockets = [WorkerSocket(reserved)]
    Multiprocess(config, sockets).run()
