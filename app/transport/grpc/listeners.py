"""The listening sockets that grpcio opens and does not give out."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

DESCRIPTORS = Path("/proc/self/fd")
_INTERNET = (socket.AF_INET, socket.AF_INET6)


def listening_sockets(port: int) -> Iterator[socket.socket]:
    """Duplicates of the sockets of this process that listen on a port; none where there is no Linux' /proc.

    A duplicate must be closed: while it is open, the port is.
    """
    for entry in DESCRIPTORS.iterdir() if DESCRIPTORS.is_dir() else ():
        with suppress(OSError):  # other threads open and close theirs meanwhile
            if not str(entry.readlink()).startswith("socket:"):
                continue
            found = socket.socket(fileno=os.dup(int(entry.name)))
            listens = found.family in _INTERNET and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if listens and found.getsockname()[1] == port:
                yield found
            else:
                found.close()
