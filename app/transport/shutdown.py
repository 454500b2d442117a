"""The end of the service: no request that was accepted is lost.

At SIGTERM readiness goes off and answers begin to close their connections, while everything is still served: load
balancers need time to notice. After that grace the door is closed: the kernel lets nobody in any more, but who is in
already is answered. When no request has come for a while, uvicorn shuts down.

uvicorn alone closes its listener at once, and with it resets the connections that nobody had accepted yet, as well as
those that were just about to send.
"""

import asyncio
import ctypes
import signal
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from types import FrameType

from app.service import Service

QUIET_SECONDS = 0.3
"""When no request has come for so long after the door was closed, none is under way any more."""
_SO_ATTACH_FILTER = 26
_LOAD_FLAGS, _IF_SYN, _KEEP, _DROP = (0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0xFFFFFFFF), (0x06, 0, 0, 0)
_NO_SYN = b"".join(struct.pack("HBBI", *instruction) for instruction in (_LOAD_FLAGS, _IF_SYN, _DROP, _KEEP))
"""A packet filter: drop what opens a connection, by the flags in the TCP header, and keep the rest. A filter that drops
everything would also cut off handshakes that have begun: their clients think that they are in."""


def stop_accepting(listeners: Iterable[socket.socket]) -> None:
    """Let no new connection in, and keep those that wait to be accepted; closing a listener would reset them.

    The handshakes of new clients go unanswered until the listener is closed, which then refuses them. Other systems
    than Linux have no such filter; there this does nothing.
    """
    code = ctypes.create_string_buffer(_NO_SYN, len(_NO_SYN))
    program = struct.pack("HP", len(_NO_SYN) // 8, ctypes.addressof(code))
    for listener in listeners:
        with suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


@contextmanager
def drain_on_sigterm(service: Service) -> Iterator[None]:
    """Within this context, the first SIGTERM starts draining; after that, or at a second one, the server stops."""
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
        task = loop.create_task(_drain(service))
        task.add_done_callback(lambda _: before(signal.SIGTERM, None))
        tasks.add(task)

    signal.signal(signal.SIGTERM, on_sigterm)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _drain(service: Service) -> None:
    await asyncio.sleep(service.settings.shutdown_grace_seconds)
    stop_accepting(service.listeners)
    closed = perf_counter()
    latest = closed + service.settings.shutdown_timeout_seconds
    quiet_at = closed + QUIET_SECONDS
    while (now := perf_counter()) < min(latest, quiet_at):
        await asyncio.sleep(quiet_at - now)
        quiet_at = max(quiet_at, service.last_request_at + QUIET_SECONDS)
