"""A Unix socket to listen on: a file, which outlives the process that has bound it."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from app.settings import SettingsError

AF_UNIX: socket.AddressFamily | None = getattr(socket, "AF_UNIX", None)
"""None: the platform has none."""

_OWN: dict[Path, int] = {}
"""The paths of this process's sockets, each with the number of its file."""


def check_unix_socket(path: Path) -> None:
    """Check that a socket can be bound at a path, and remove one that a process has left there.

    Raises:
        SettingsError: something else is at the path, a process listens on it, or it cannot be written.
    """
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise SettingsError(f"NALU_UDS is '{path}', where something is that is no socket; give another path.")
    except FileNotFoundError:
        bind_unix_socket(path, 0o600).close()
        remove_unix_sockets()
    except OSError as error:
        raise _cannot_listen(path, error) from error
    else:
        if _is_listened_on(path):
            raise SettingsError(
                f"NALU_UDS is '{path}', on which another process listens; stop it, or give another path."
            )
        path.unlink(missing_ok=True)


def bind_unix_socket(path: Path, mode: int) -> socket.socket:
    """A socket bound at a path, where none is.

    Args:
        path: of its file.
        mode: who may connect, from the first moment on.

    Raises:
        SettingsError: it cannot be bound.
    """
    bound = socket.socket(socket.AF_UNIX)
    before = os.umask(0o777)  # nobody may connect before the mode is set
    try:
        bound.bind(str(path))
        path.chmod(mode)
    except OSError as error:
        bound.close()
        raise _cannot_listen(path, error) from error
    finally:
        os.umask(before)
    bound.set_inheritable(True)
    _OWN[path] = path.stat().st_ino
    return bound


def remove_unix_sockets() -> None:
    """Remove the files of this process's sockets, so that new clients are refused; those connected are still accepted.

    A file that another service has bound since at the same path stays.
    """
    while _OWN:
        path, number = _OWN.popitem()
        with suppress(OSError):
            if path.stat().st_ino == number:
                path.unlink()


def _is_listened_on(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True


def _cannot_listen(path: Path, error: OSError) -> SettingsError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return SettingsError(f"NALU_UDS is '{path}', which cannot be listened on ({reason}); give another path with --uds.")
