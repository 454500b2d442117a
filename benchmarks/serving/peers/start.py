"""Installs the other servers, and starts them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.environments import InstallError
from benchmarks.serving.agreement import check, check_echo
from benchmarks.serving.peers.catalogue import PEERS
from benchmarks.serving.servers import Server, StartError, running


def install(names: Sequence[str], home: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """The Python of each, and why others are left out."""
    pythons, failed = {}, {}
    for name in names:
        try:
            pythons[name] = PEERS[name].environment.python(home)
        except InstallError as error:
            failed[name] = str(error)
            print(f"left out: {error}", flush=True)
    return pythons, failed


@contextmanager
def started(
    pythons: Mapping[str, Path], service: Server, on_cores: Sequence[int], failed: dict[str, str]
) -> Iterator[list[Server]]:
    """Those that run and answer as long as the context lasts.

    Args:
        pythons: of their environments, by name.
        service: that they are compared with.
        on_cores: the cores that they may use.
        failed: takes those that do not start, and why, with the last line that they print.

    Raises:
        SystemExit: one answers otherwise than the service.
    """
    with TemporaryDirectory() as folder, ExitStack() as stack:
        servers = []
        for name, python in pythons.items():
            log = Path(folder, name)
            try:
                server = stack.enter_context(running(name, partial(PEERS[name].command, python), on_cores, log))
            except StartError as error:
                failed[name] = f"{error} {_last_line(log)}".rstrip()
                print(f"left out: {failed[name]}", flush=True)
                continue
            if PEERS[name].predicts:
                check(service, server)
            else:
                check_echo(server)
            servers.append(replace(server, is_peer=True))
        yield servers


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
