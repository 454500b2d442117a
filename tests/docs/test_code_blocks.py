"""The pages are true: their code runs, and their requests are answered as shown."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, WITH_PACKAGES, blocks, name, printed
from tests.end_to_end.server import Server, free_port, serve
from tests.end_to_end.tracing import STRACE, calls_outside, files_below, traced

pytestmark = pytest.mark.slow

ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1"}
SNIPPETS = [
    pytest.param(block, id=f"{name(page)}-{index}")
    for page in PAGES
    if page not in WITH_PACKAGES
    for index, block in enumerate(blocks(page, "python"))
]
LOCAL = [each for each in SNIPPETS if "localhost:800" not in str(each.values[0])]
CLIENTS = [each for each in SNIPPETS if each not in LOCAL]
WITH_REQUESTS = [
    page for page in PAGES if page not in WITH_PACKAGES and any("$ curl" in b for b in blocks(page, "console"))
]


TELEMETRY_SECONDS = 12.0
"""ONNX Runtime's telemetry, where it is on, looks up its host ten seconds after the start."""


@dataclass
class Traced:
    """A folder that a process works in, one that is its home, and the list of its network calls."""

    folder: Path

    def __post_init__(self) -> None:
        self.home, self.trace = self.folder / "home", self.folder / "trace"
        self.home.mkdir()
        self.started = time.monotonic()


@pytest.fixture(scope="module")
def grpc_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, grpc_port: int) -> Iterator[tuple[Server, Traced]]:
    own = Traced(tmp_path_factory.mktemp("service"))
    settings = {"HOME": str(own.home), "ORT_DISABLE_TELEMETRY": "", "NALU_GRPC_PORT": str(grpc_port)}
    with serve(below=traced(own.trace), **settings) as server:
        yield server, own


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Traced]:
    """The README's table, and its command that fits it."""
    own = Traced(tmp_path_factory.mktemp("fit"))
    [data] = blocks("README.md", "python")
    [block] = [block for block in blocks("README.md", "console") if "trips" in block]
    subprocess.run([sys.executable, "-c", data], cwd=own.folder, check=True)
    arguments = shlex.split(block.partition("\n")[0].removeprefix("$ python "))
    # one start of the MLP, as its figures are not compared
    run = [*traced(own.trace), sys.executable, *arguments, "--restarts", "1"]
    environment = {**ENVIRONMENT, "HOME": str(own.home)}
    return subprocess.run(run, cwd=own.folder, capture_output=True, text=True, check=True, env=environment), own


@pytest.mark.parametrize("block", LOCAL)
def test_the_code_runs_and_prints_what_its_comments_claim(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(block, {"__name__": "__main__"})
    assert capsys.readouterr().out.splitlines() == printed(block)


@pytest.mark.parametrize("block", CLIENTS)
def test_the_client_code_gets_what_its_comments_claim(
    block: str, service: tuple[Server, Traced], grpc_port: int
) -> None:
    code = block.replace("localhost:8000", service[0].url.removeprefix("http://"))
    code = code.replace("localhost:8001", f"localhost:{grpc_port}")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed(block)
    assert done.stdout.splitlines() == printed(block)


def test_the_pages_have_code_and_clients_and_requests() -> None:
    assert len(LOCAL) >= 4
    assert len(CLIENTS) >= 1
    assert {name(page) for page in WITH_REQUESTS} >= {"README.md", "docs/serving.md"}


def test_the_fit_of_the_readme_finds_the_law(fit: tuple[subprocess.CompletedProcess[str], Traced]) -> None:
    done, own = fit
    [block] = [block for block in blocks("README.md", "console") if "trips" in block]
    shown = block.strip().splitlines()[1:]
    lines = [line for line in done.stdout.splitlines() if line]
    expected = [line for line in shown if line]
    assert [line.split()[0] for line in lines] == [line.split()[0] for line in expected]
    for line in expected:
        if not line.startswith(("Law", "MLP", "predict")):
            assert line in lines
    assert json.loads((own.folder / "repository/trips/1/manifest.json").read_text())["formula"] in expected[0]


@pytest.mark.parametrize("page", WITH_REQUESTS, ids=name)
def test_requests_are_answered_as_shown(page: Path, tmp_path: Path, service: tuple[Server, Traced]) -> None:
    for block in blocks(page, "console"):
        if not block.startswith("$ curl"):
            continue
        lines = block.strip().splitlines()
        commands = [line for line in lines if line.startswith("$ ")]
        answer = "\n".join(lines[len(commands) :])
        for command in commands:
            line = command.removeprefix("$ ").replace("localhost:8000", service[0].url.removeprefix("http://"))
            done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
        if "{...}" in answer:
            assert done.stdout.startswith(answer.split("{...}")[0])
        elif not answer.startswith("{"):
            assert done.stdout == f"{answer}\n"
        else:
            same_answer(json.loads(answer), json.loads(done.stdout))


def same_answer(expected: dict[str, list[object]], answer: dict[str, list[object]]) -> None:
    """Predictions to nine digits, everything else exactly."""
    for row, shown in zip(answer.pop("predictions"), expected.pop("predictions"), strict=True):
        assert row == (None if shown is None else pytest.approx(shown, rel=1e-9))
    assert answer == expected


def test_neither_a_service_nor_a_fit_leaves_a_file_in_the_home_folder(
    service: tuple[Server, Traced], fit: tuple[subprocess.CompletedProcess[str], Traced]
) -> None:
    assert files_below(service[1].home) == files_below(fit[1].home) == []


@pytest.mark.skipif(STRACE is None, reason="needs strace, which .ci/run installs")
def test_neither_a_service_nor_a_fit_looks_up_a_name_or_reaches_another_machine(
    service: tuple[Server, Traced], fit: tuple[subprocess.CompletedProcess[str], Traced]
) -> None:
    traces = [service[1].trace, fit[1].trace]
    time.sleep(max(0.0, service[1].started + TELEMETRY_SECONDS - time.monotonic()))  # by then the tests above have run
    assert [calls_outside(trace) for trace in traces] == [[], []]
