"""SIGHUP: the API keys, the certificate and the settings of the log are read again, and nothing else changes.

A process keeps the environment that it was started with, so settings change in the file of ``NALU_SETTINGS_FILE``.
SIGHUP is also what a process gets when its terminal is closed; then the service stops, as programs do.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.observability.logs import configure_logging
from app.service import Service
from app.settings import PREFIX, Settings, SettingsError
from app.transport.tls import reload_certificate

logger = logging.getLogger(__name__)

ReadSettings = Callable[[], Settings]

RELOADED = ("log_level", "log_format", "access_log")
"""Settings that take effect at SIGHUP."""
HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
"""None: the platform has no such signal."""


def reload(service: Service, read: ReadSettings) -> None:
    """Read settings, keys and certificate again; what is invalid is logged, and stays as it was."""
    _reload_settings(service, read)
    if service.access is not None:
        service.access.keys.reload()
    reload_certificate(service.settings)


def _reload_settings(service: Service, read: ReadSettings) -> None:
    try:
        new = read()
    except SettingsError as error:
        for line in str(error).splitlines():
            logger.error("%s The settings that were read before stay.", line)
        return
    old = service.settings
    service.settings = old.model_copy(update={name: getattr(new, name) for name in RELOADED})
    configure_logging(new.log_level, new.log_format)
    shown = ", ".join(f"{PREFIX}{name.upper()}={str(getattr(new, name)).lower()}" for name in RELOADED)
    logger.info("Read the settings of the log: %s.", shown)
    for name in Settings.model_fields:
        if name not in RELOADED and getattr(old, name) != getattr(new, name):
            logger.warning("%s%s has changed; restart the service for it.", PREFIX, name.upper())


@contextmanager
def hangups_held() -> Iterator[None]:
    """Processes that are started within this context get SIGHUP only once ``on_hangup`` is there to take it."""
    if HANGUP is None:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {HANGUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def on_hangup(action: Callable[[], None]) -> Iterator[None]:
    """Within this context, SIGHUP runs a function in the event loop; a lost terminal stops the service."""
    if HANGUP is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    terminal_lost = terminal_watch()

    def take() -> None:
        if terminal_lost():
            signal.raise_signal(signal.SIGTERM)
        else:
            action()

    before = signal.signal(HANGUP, lambda *_: loop.call_soon_threadsafe(take))
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {HANGUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(HANGUP, before)


def terminal_watch() -> Callable[[], bool]:
    """A function that tells, from now on, whether the process's terminal was closed, as a reason to stop.

    It is none for a process that ignores SIGHUP, nor for a worker, which its supervisor stops.
    """
    ignored = HANGUP is None or signal.getsignal(HANGUP) is signal.SIG_IGN
    if ignored or multiprocessing.parent_process() is not None or not _has_terminal():
        return lambda: False
    return lambda: not _has_terminal()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
