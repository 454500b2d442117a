"""A manifest as a container, by ``podman kube play``: what it answers, what it may do, and how it ends."""

import json
import re
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

READY_SECONDS = 60
KILL_SECONDS = 40
"""From SIGTERM to SIGKILL, as the manifests have it."""
MARGIN_SECONDS = 2
"""End of the grace, when requests are not counted: the service stops accepting connections then."""
READ_ONLY = "Read-only file system"


class Seen(NamedTuple):
    """What was seen of one promise."""

    promise: str
    seen: str
    kept: bool


@dataclass(frozen=True)
class Question:
    """What is asked of a manifest's container, and the answer to it."""

    title: str
    path: str
    body: dict[str, Any]
    answer: str


DEPLOYMENT = Question(
    "The chart's Deployment",
    "/predict/arithmetic",
    {"model": "multiply", "inputs": [[1000, -250]]},
    '"predictions":[[-250000.0]]',
)
KSERVE = Question(
    "The container of KServe's runtime, with `repository/multiply` on `/mnt/models`",
    "/v2/models/price/infer",
    {"inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP64", "data": [1000, -250]}]},
    '"data":[-250000.0]',
)


@dataclass(frozen=True)
class Client:
    """Asks on a connection of its own each time."""

    port: int

    def ask(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
        """Status and content of an answer; 0 without an answer."""
        content = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", content, timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)


def play(manifest: dict[str, Any], question: Question, port: int) -> tuple[str, list[Seen]]:
    """Play a manifest, and compare what is seen with what the manifest promises.

    Args:
        manifest: of one pod.
        question: to ask.
        port: of the machine, that the manifest publishes.

    Returns:
        The question's title, and what was seen.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "manifest.yaml"
        file.write_text(yaml.safe_dump(manifest), encoding="utf-8")
        with _played(file) as container:
            client = Client(port)
            seen = [_ready(client), _answers(client, question), *_restricted(container)]
            seen += _drained(container, client, question)
    return question.title, seen


@contextmanager
def _played(file: Path) -> Iterator[str]:
    """The id of the manifest's container, while it runs."""
    try:
        played = podman("kube", "play", str(file))
        found = re.search(r"Containers?:\n([0-9a-f]{12,})", played)
        if found is None:
            raise SystemExit(f"podman kube play started no container: {played}")
        yield found[1]
    finally:
        podman("kube", "down", str(file))


def _ready(client: Client) -> Seen:
    end = time.monotonic() + READY_SECONDS
    while (status := client.ask("/health/ready")[0]) != 200 and time.monotonic() < end:
        time.sleep(0.2)
    return Seen("is ready", f"`/health/ready`: {status}", status == 200)


def _answers(client: Client, question: Question) -> Seen:
    status, answer = client.ask(question.path, question.body)
    right = question.answer in answer
    return Seen("predicts", f"`{question.path}`: {status}, `{question.answer if right else answer[:200]}`", right)


def _restricted(container: str) -> Iterator[Seen]:
    user = _inside(container, "id", "-u")
    yield Seen("runs as another user than root", f"`id -u`: {user}", user == "10001")
    for path in ("/file", "/srv/file"):
        refused = _inside(container, "touch", path)
        yield Seen("has a read-only root", f"`touch {path}`: {refused.rpartition(': ')[2]}", READ_ONLY in refused)
    written = _inside(container, "touch", "/tmp/file")
    yield Seen("may write to /tmp", f"`touch /tmp/file`: {written or 'works'}", not written)
    process = dict(re.findall(r"(\w+):\s+(\w+)", _inside(container, "cat", "/proc/1/status")))
    rights = {name: process[name] for name in ("CapBnd", "CapEff", "NoNewPrivs", "Seccomp")}
    shown = ", ".join(f"{name} {value}" for name, value in rights.items())
    kept = int(rights["CapBnd"], 16) == 0 and (rights["NoNewPrivs"], rights["Seccomp"]) == ("1", "2")
    yield Seen("has no capabilities, cannot get any, and has a filter of system calls", f"`{shown}`", kept)


def _drained(container: str, client: Client, question: Question) -> Iterator[Seen]:
    """Stop it as Kubernetes does, while requests are sent on new connections."""
    grace = float(_inside(container, "sh", "-c", "echo $NALU_SHUTDOWN_GRACE_SECONDS"))
    started = time.monotonic()
    stop = threading.Thread(target=podman, args=("stop", "--time", str(KILL_SECONDS), container))
    stop.start()
    while (readiness := client.ask("/health/ready")[0]) == 200 and time.monotonic() < started + grace:
        time.sleep(0.05)
    unready, answers = time.monotonic(), []
    while time.monotonic() < unready + grace - MARGIN_SECONDS:
        answers.append(question.answer in client.ask(question.path, question.body)[1])
        time.sleep(0.02)
    stop.join()
    seconds = time.monotonic() - started
    code = podman("inspect", "--format", "{{.State.ExitCode}}", container)
    yield Seen("is not ready after SIGTERM", f"`/health/ready`: {readiness}", readiness == 503)
    right = f"{sum(answers)} of {len(answers)} requests answered right"
    yield Seen("answers on during the grace", right, bool(answers) and all(answers))
    ended = f"after {seconds:.1f} s of {KILL_SECONDS}, exit code {code}"
    yield Seen("ends by itself before it would be killed", ended, seconds < KILL_SECONDS and code == "0")


def podman(*arguments: str) -> str:
    """What podman prints.

    Raises:
        SystemExit: it fails.
    """
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise SystemExit(f"podman {' '.join(arguments)} fails: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def _inside(container: str, *command: str) -> str:
    """What a command prints in the container, whether it fails or not."""
    done = subprocess.run(["podman", "exec", container, *command], capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr).strip()
