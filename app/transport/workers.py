"""Several processes on one port, each with a listening socket of its own.

On a shared socket the process that wakes first accepts all connections of a burst, and a client's pool of 64 may end
with one worker. With a socket each, the kernel distributes connections, and each worker drains its own.
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from uvicorn import Config
from uvicorn.supervisors import Multiprocess

from app.transport.accept_queue import ACCEPTS_IN_A_TURN
from app.transport.reload import hangups_held, terminal_watch
from app.transport.unix_socket import AF_UNIX, remove_unix_sockets

LISTENERS: list[socket.socket] = []
"""Sockets of this process, if it is a worker: uvicorn hands them to its server, but not to the application."""
REPLACEMENTS: list[socket.socket] = []
"""Those of them that were made when all workers had been started once."""


class WorkerSocket:
    """Becomes, in each worker it is sent to, a new socket bound to the address of the supervisor's.

    A Unix socket cannot be bound twice: the workers share the supervisor's.

    Args:
        reserved: the supervisor's socket, which keeps the address and does not listen.
        workers: number of workers; it is sent more often only to those that replace others or are added to them.
    """

    def __init__(self, reserved: socket.socket, workers: int) -> None:
        self._reserved = reserved
        self._left = workers

    def __reduce__(self) -> Any:
        self._left -= 1
        if self._reserved.family == AF_UNIX:
            return _register, (self._reserved, self._left < 0)
        return _bind, (self._reserved.family, self._reserved.getsockname(), self._left < 0)


def _bind(family: socket.AddressFamily, address: Any, is_replacement: bool) -> socket.socket:
    own = socket.socket(family)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    own.bind(address)
    return _register(own, is_replacement)


def _register(own: socket.socket, is_replacement: bool) -> socket.socket:
    LISTENERS.append(own)
    if is_replacement:
        REPLACEMENTS.append(own)
    return own


class WorkerSocketCopy:
    """Becomes, in each worker it is sent to after its ``WorkerSocket``, a copy of the worker's socket."""

    def __reduce__(self) -> Any:
        return _copy, ()


def _copy() -> socket.socket:
    return LISTENERS[0].dup()


class Supervisor(Multiprocess):
    """uvicorn's, except that SIGHUP does not replace the workers: they reload.

    Args:
        config: of the workers' servers.
        sockets: that they listen on.
        grace_seconds: from SIGTERM on, while new clients are still accepted.
        reload: reads the settings of this process's log again.
    """

    def __init__(self, config: Config, sockets: list[Any], grace_seconds: float, reload: Callable[[], None]) -> None:
        self._grace_seconds = grace_seconds
        self._reload = reload
        self._terminal_lost = terminal_watch()
        super().__init__(config, sockets)

    def init_processes(self) -> None:
        with hangups_held():
            super().init_processes()

    def keep_subprocess_alive(self) -> None:
        with hangups_held():
            super().keep_subprocess_alive()

    def handle_ttin(self) -> None:
        with hangups_held():
            super().handle_ttin()

    def terminate_all(self) -> None:
        super().terminate_all()
        time.sleep(self._grace_seconds)  # the workers drain
        remove_unix_sockets()

    def handle_hup(self) -> None:
        """Reload, here and in all workers; one that is replaced now reads what is new anyway."""
        if self._terminal_lost():
            self.should_exit.set()
            return
        self._reload()
        for process in self.processes:
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, signal.SIGHUP)


def worker_sockets(reserved: socket.socket, workers: int) -> list[Any]:
    """What is sent to each worker: a socket of its own, and copies of that."""
    copies = [WorkerSocketCopy() for _ in range(ACCEPTS_IN_A_TURN - 1)]  # each its own: pickle keeps equals together
    return [WorkerSocket(reserved, workers), *copies]


def run_workers(config: Config, reserved: socket.socket, grace_seconds: float, reload: Callable[[], None]) -> None:
    """Start the workers, replace those that die and forward signals, until a signal stops the service.

    Args:
        config: of the workers' servers.
        reserved: socket bound to their address.
        grace_seconds: from SIGTERM on, while new clients are still accepted.
        reload: called at SIGHUP, in this process.
    """
    sockets: list[Any] = [reserved]  # shared by all workers, where a port cannot be
    if hasattr(socket, "SO_REUSEPORT"):
        if reserved.family != AF_UNIX:
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sockets = worker_sockets(reserved, config.workers)
    Supervisor(config, sockets, grace_seconds, reload).run()
