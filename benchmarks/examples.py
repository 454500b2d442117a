"""python -m benchmarks.examples: runs docs/worked-examples.md and compares; ``--write`` puts what it prints there.

Installs the packages that the page names, with pip, into a folder of their own; everything happens in another one.
"""

import argparse
import difflib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "worked-examples.md"
BLOCK = re.compile(r"```(python|console)\n(.*?)```", re.DOTALL)
START_SECONDS = 60
SERVER = "python -m app"


def main() -> None:
    """Run the page; exit status 1 if it shows something else.

    Raises:
        SystemExit: with the differences.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.examples", description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE, help=f"default: {PAGE.relative_to(ROOT)}")
    parser.add_argument("--packages", type=Path, help="folder that holds the packages already, instead of pip's")
    parser.add_argument("--write", action="store_true", help="put what the commands print into the page")
    options = parser.parse_args()
    text = options.page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packages = options.packages or install(text, folder / "packages")
        found = BLOCK.sub(lambda match: run(match, folder, packages), text)
    if options.write:
        options.page.write_text(found, encoding="utf-8")
    lines = difflib.unified_diff(text.splitlines(), found.splitlines(), "page", "measured", lineterm="", n=0)
    difference = "\n".join(lines)
    print(difference or "The page shows what its commands print.")
    raise SystemExit(1 if difference and not options.write else 0)


def install(text: str, folder: Path) -> Path:
    """The packages of the page's line ``pip install``."""
    for arguments in re.findall(r"^    pip install (.*?)(?:  +#.*)?$", text, re.MULTILINE):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *shlex.split(arguments)]
        subprocess.run(pip, check=True)
    return folder


def run(match: "re.Match[str]", folder: Path, packages: Path) -> str:
    """A block as its code or its commands print it."""
    language, block = match.groups()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(packages)])}
    if language == "python":
        subprocess.run([sys.executable, "-c", block], cwd=folder, env=environment, check=True)
        return match[0]
    commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    is_served = any(command.startswith(SERVER) for command, _ in commands)
    with server(folder, environment) if is_served else no_server() as port:
        shown = [f"$ {command}\n{_printed(command, before, folder, environment, port)}" for command, before in commands]
    return f"```console\n{''.join(shown)}```"


def _printed(command: str, before: str, folder: Path, environment: dict[str, str], port: int) -> str:
    """What a command prints; where the page ends with ``...``, as many lines as it shows."""
    if command.startswith(SERVER):
        return ""
    line = re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", command).replace(":8000", f":{port}")
    print(f"$ {command}", flush=True)
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    printed = done.stdout if done.stdout.endswith("\n") or not done.stdout else f"{done.stdout}\n"
    if before.endswith("...\n"):
        return "".join(printed.splitlines(keepends=True)[: before.count("\n") - 1]) + "...\n"
    return printed


@contextmanager
def no_server() -> Iterator[int]:
    """The port of the page, where nothing is asked."""
    yield 8000


@contextmanager
def server(folder: Path, environment: dict[str, str]) -> Iterator[int]:
    """Serves the folder's repository on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app", "--repository", "repository", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, env={**environment, "NALU_LOG_LEVEL": "error"})
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not _ready(port):
            time.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_SECONDS)


def _ready(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready") as answer:
        return bool(answer.status == 200)
    return False


if __name__ == "__main__":
    main()
