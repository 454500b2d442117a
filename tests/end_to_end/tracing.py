"""What a process does outside: its network calls, by strace, and the files that it leaves below its home folder."""

import re
import shutil
from pathlib import Path

STRACE = shutil.which("strace")

_CALLS = "execve,connect,sendto,sendmsg,sendmmsg"
_OUTSIDE = re.compile(r"sa_family=AF_INET6?\b.*")
_LOOPBACK = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "::1"')


def traced(trace: Path) -> list[str]:
    """The start of a command that runs below strace, which keeps its process id; nothing without strace."""
    # -D: the command is this process's child, not strace's; --seccomp-bpf: no other call is slowed down
    return [STRACE, "-D", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={_CALLS}", "-o", str(trace)] if STRACE else []


def calls_outside(trace: Path) -> list[str]:
    """The calls that reached for another machine, as every look-up of a name does.

    Raises:
        AssertionError: the trace holds not even the start of the process.
    """
    lines = trace.read_text(errors="replace").splitlines()
    assert any("execve(" in line for line in lines)
    return [line for line in lines if _OUTSIDE.search(line) and not _LOOPBACK.search(line)]


def files_below(folder: Path) -> list[str]:
    """All files and folders below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
