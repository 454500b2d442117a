"""The tools that are compared, and the environments that they run in, each of its own."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = "benchmarks.laws.peers.programs"
OURS = "nalu-serve"
INSTALL_SECONDS = 1800


class PeerError(Exception):
    """A tool does not install; the message is one sentence."""


@dataclass(frozen=True)
class Peer:
    """A tool.

    Args:
        name: as on PyPI.
        program: module that runs it.
        requirements: pinned; empty: what runs here.
        first: what its build needs and does not declare, pinned; it is then built without isolation.
        alone: pinned, and installed without what they depend on.
    """

    name: str
    program: str
    requirements: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()


PEERS = {
    peer.name: peer
    for peer in (
        Peer(OURS, f"{PROGRAMS}.nalu_serve"),
        Peer("pyoperon", f"{PROGRAMS}.pyoperon", ("pyoperon==0.6.2", "scikit-learn==1.9.1")),
        Peer("gplearn", f"{PROGRAMS}.gplearn", ("gplearn==0.4.3", "scikit-learn==1.9.1")),
        Peer("eggp", f"{PROGRAMS}.eggp", ("eggp==2.2.2",)),
        Peer(
            "rils-rols",
            f"{PROGRAMS}.rils_rols",
            ("rils-rols==1.6.7",),
            ("pybind11==3.1.0", "setuptools==80.9.0", "wheel==0.48.0"),
        ),
    )
}


def default_home() -> Path:
    """Where environments lie: in the user's folder of caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nalu-serve" / "peers"


def environment(peer: Peer, home: Path) -> Path:
    """The Python that runs a tool, after the first call without a network.

    Raises:
        PeerError: pip cannot install it.
    """
    if not peer.requirements:
        return Path(sys.executable)
    folder = home / peer.name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = "\n".join((*peer.first, *peer.requirements, *peer.alone))
    installed = folder / "installed.txt"
    if installed.exists() and installed.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _run(peer, sys.executable, "-m", "venv", str(folder))
    pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    if peer.first:
        _run(peer, *pip, *peer.first)
    _run(peer, *pip, *(("--no-build-isolation",) if peer.first else ()), *peer.requirements)
    if peer.alone:
        _run(peer, *pip, "--no-deps", *peer.alone)
    installed.write_text(wanted, encoding="utf-8")
    return python


def _run(peer: Peer, *command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"{peer.name} does not install: pip took more than {INSTALL_SECONDS} s.") from error
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip().lower().startswith("error")]
        reason = lines[-1].strip() if lines else f"exit code {done.returncode}"
        raise PeerError(f"{peer.name} does not install ({' '.join(peer.requirements)}): {reason}")
