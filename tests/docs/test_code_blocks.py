"""The pages are true: their code runs, and their requests are answered as shown."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import EXAMPLES, PAGES, ROOT, blocks, name, printed
from tests.end_to_end.server import serve

pytestmark = pytest.mark.slow

ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1"}
SNIPPETS = [
    pytest.param(block, id=f"{name(page)}-{index}")
    for page in PAGES
    if page != EXAMPLES
    for index, block in enumerate(blocks(page, "python"))
]
LOCAL = [each for each in SNIPPETS if "localhost:8000" not in str(each.values[0])]
CLIENTS = [each for each in SNIPPETS if each not in LOCAL]
WITH_REQUESTS = [page for page in PAGES if page != EXAMPLES and any("$ curl" in b for b in blocks(page, "console"))]


@pytest.mark.parametrize("block", LOCAL)
def test_the_code_runs_and_prints_what_its_comments_claim(block: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", block]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stdout.splitlines() == printed(block)


@pytest.mark.parametrize("block", CLIENTS)
def test_the_client_code_gets_what_its_comments_claim(block: str) -> None:
    with serve() as server:
        code = block.replace("localhost:8000", server.url.removeprefix("http://"))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed(block)
    assert done.stdout.splitlines() == printed(block)


def test_the_pages_have_code_and_clients_and_requests() -> None:
    assert len(LOCAL) >= 4
    assert len(CLIENTS) >= 1
    assert {name(page) for page in WITH_REQUESTS} >= {"README.md", "docs/serving.md"}


def test_the_fit_of_the_readme_finds_the_law(tmp_path: Path) -> None:
    [data] = blocks("README.md", "python")
    [fit] = [block for block in blocks("README.md", "console") if "trips" in block]
    subprocess.run([sys.executable, "-c", data], cwd=tmp_path, check=True)
    command, *shown = fit.strip().splitlines()
    arguments = shlex.split(command.removeprefix("$ python "))
    run = [sys.executable, *arguments]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    lines = [line for line in done.stdout.splitlines() if line]
    expected = [line for line in shown if line]
    assert [line.split()[0] for line in lines] == [line.split()[0] for line in expected]
    for line in expected:
        if not line.startswith(("Law", "MLP", "predict")):
            assert line in lines
    assert json.loads((tmp_path / "repository/trips/1/manifest.json").read_text())["formula"] in expected[0]


@pytest.mark.parametrize("page", WITH_REQUESTS, ids=name)
def test_requests_are_answered_as_shown(page: Path, tmp_path: Path) -> None:
    with serve() as server:
        for block in blocks(page, "console"):
            if not block.startswith("$ curl"):
                continue
            *commands, answer = block.strip().splitlines()
            for command in commands:
                line = command.removeprefix("$ ").replace("localhost:8000", server.url.removeprefix("http://"))
                done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
            if "{...}" in answer:
                assert done.stdout.startswith(answer.split("{...}")[0])
            else:
                same_answer(json.loads(answer), json.loads(done.stdout))


def same_answer(expected: dict[str, list[object]], answer: dict[str, list[object]]) -> None:
    """Predictions to nine digits, everything else exactly."""
    for row, shown in zip(answer.pop("predictions"), expected.pop("predictions"), strict=True):
        assert row == (None if shown is None else pytest.approx(shown, rel=1e-9))
    assert answer == expected
