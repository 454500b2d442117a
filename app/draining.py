"""The end of the service: readiness goes off first, then, after a grace, the server stops.

uvicorn closes its listener at SIGTERM, while a load balancer may still send; so SIGTERM first turns readiness off, and
reaches uvicorn only when balancers have had the time to notice.
"""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from app.service import Service


@contextmanager
def drain_on_sigterm(service: Service) -> Iterator[None]:
    """Within this context, the first SIGTERM starts draining; after the grace, or at a second one, the server stops."""
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    loop = asyncio.get_running_loop()

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        if service.draining:
            before(number, frame)
            return
        service.draining = True
        grace = service.settings.shutdown_grace_seconds
        loop.call_soon_threadsafe(lambda: loop.call_later(grace, before, number, None))

    signal.signal(signal.SIGTERM, on_sigterm)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
