"""docs/architecture.md lists files that a request and a table really pass: both are sent through under a tracer."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import ROOT, read
from tests.end_to_end.server import free_port

pytestmark = pytest.mark.slow
PAGE = read("docs/architecture.md")

RECORDER = f"""
import importlib, json, pkgutil, sys, threading

ROOT = {str(ROOT)!r}

def import_all(name):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

ENTERED = set()
def record(frame, event, argument):
    if event == "call":
        ENTERED.add(frame.f_code.co_filename)

def recorded(function, *arguments):
    threading.settrace(record)
    sys.settrace(record)
    try:
        function(*arguments)
    finally:
        sys.settrace(None)
        threading.settrace(None)
        print_entered(ENTERED)

def print_entered(files):
    print(json.dumps(sorted(name[len(ROOT) + 1:] for name in files if name.startswith(ROOT))))
"""
SERVICE = (
    RECORDER
    + """
import signal
import app.__main__
import uvicorn
from app.main import create_app
from app.settings import read_settings

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        while not self.config.loaded_app.state.service.ready:
            await __import__("asyncio").sleep(0.01)
        ENTERED.clear()
        print("ready", flush=True)

uvicorn.Server = Server
signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it again when it has shut down
recorded(app.__main__.main, ["--port", sys.argv[1]])
"""
)
FIT = (
    RECORDER
    + """
import cProfile

import_all("training")
from training.__main__ import main

profile = cProfile.Profile(subcalls=False, builtins=False)  # a fit makes millions of calls, and all in one thread
profile.runcall(main, ["fit", "data.csv", "--target", "y", "--restarts", "1"])
print_entered({entry.code.co_filename for entry in profile.getstats()})
"""
)


def listed(section: str) -> set[str]:
    """The files in the first table of a section."""
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0]
    table = next(part for part in text.split("\n\n") if part.startswith("| "))
    return set(re.findall(r"\]\(\.\./([\w/.]+)\)", table))


def entered(output: str) -> set[str]:
    files: Iterable[str] = json.loads(output.strip().splitlines()[-1])
    return set(files)


@pytest.fixture
def environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1", "NALU_SHUTDOWN_GRACE_SECONDS": "0"}


def test_a_request_passes_the_files_that_are_listed(environment: dict[str, str]) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(port)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        body = {"model": "add", "inputs": [[3, 4]]}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            for _ in range(2):
                assert client.post("/predict/arithmetic", json=body).json()["predictions"] == [[7.0]]
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    files = listed("The way of a request")
    assert len(files) > 8
    assert files - entered(output) == set()


def test_a_table_passes_the_files_that_are_listed(environment: dict[str, str], tmp_path: Path) -> None:
    rows = [f"{a},{b},{a * b}" for a in range(1, 15) for b in range(2, 12)]
    (tmp_path / "data.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    done = subprocess.run(
        [sys.executable, "-c", FIT], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    files = listed("The way of a table row")
    assert len(files) > 12
    assert files - entered(done.stdout) == set()
