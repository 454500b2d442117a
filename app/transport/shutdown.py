"""Graceful shutdown: no request that was accepted is lost.

At SIGTERM readiness turns off and responses begin to close their connections, while every request is still served: load
balancers need time to notice. After that grace period the kernel drops new connections, and those that exist are still
served. When no request has come for a while, uvicorn shuts down.

uvicorn alone closes its listener at once, which resets the connections that it has not accepted yet, and soon after it
those whose clients are just about to send.
"""

import asyncio
import ctypes
import signal
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from types import FrameType

from app.service import Service
from app.transport.unix_socket import AF_UNIX, remove_unix_sockets

Drain = Callable[[], Awaitable[None]]

QUIET_SECONDS = 0.3
"""When no request has come for this long since new connections are dropped, none is under way any more."""
_SO_ATTACH_FILTER = 26
_LOAD_FLAGS, _IF_SYN, _KEEP, _DROP = (0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0xFFFFFFFF), (0x06, 0, 0, 0)
_NO_SYN = b"".join(struct.pack("HBBI", *instruction) for instruction in (_LOAD_FLAGS, _IF_SYN, _DROP, _KEEP))
"""A BPF program: drop packets that open a connection, by the flags in the TCP header, and keep the rest. A filter that
drops everything would also cut off handshakes that have begun, whose clients take themselves for connected."""


def stop_accepting(listeners: Iterable[socket.socket]) -> None:
    """Drop new connections, and keep those that wait to be accepted: closing a listener would reset them.

    New clients get no answer until the listener is closed, which then refuses them. This needs Linux; elsewhere it does
    nothing. A Unix socket loses its file, which refuses them at once; of several workers, the supervisor's does.
    """
    code = ctypes.create_string_buffer(_NO_SYN, len(_NO_SYN))
    program = struct.pack("HP", len(_NO_SYN) // 8, ctypes.addressof(code))
    for listener in listeners:
        if listener.family == AF_UNIX:
            remove_unix_sockets()
            continue
        with suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


@contextmanager
def drain_on_sigterm(service: Service, drain_others: Drain | None = None) -> Iterator[None]:
    """Within this context, the first SIGTERM starts draining; after that, or at a second one, the server stops.

    Args:
        service: what is drained.
        drain_others: drains what else this process serves, once the grace period is over.
    """
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    loop = asyncio.get_running_loop()
    tasks = set()

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        if service.draining:
            before(number, frame)
        else:
            service.draining = True
            loop.call_soon_threadsafe(start)

    def start() -> None:
        task = loop.create_task(_drain(service, drain_others))
        task.add_done_callback(lambda _: before(signal.SIGTERM, None))
        tasks.add(task)

    signal.signal(signal.SIGTERM, on_sigterm)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _drain(service: Service, drain_others: Drain | None) -> None:
    await asyncio.sleep(service.settings.shutdown_grace_seconds)
    stop_accepting(service.listeners)
    others = asyncio.ensure_future(drain_others()) if drain_others else None
    closed = perf_counter()
    latest = closed + service.settings.shutdown_timeout_seconds
    quiet_at = closed + QUIET_SECONDS
    while (now := perf_counter()) < min(latest, quiet_at):
        await asyncio.sleep(quiet_at - now)
        quiet_at = max(quiet_at, service.last_request_at + QUIET_SECONDS)
    if others is not None:
        await others
