"""Output as the world has it: terminals of another encoding, closed pipes, full disks."""

import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from training.__main__ import main
from training.cli import streams

FORMULA = "价格 · Stück²"


@contextmanager
def stream(monkeypatch: pytest.MonkeyPatch, name: str, file: TextIO) -> Iterator[TextIO]:
    """Within this context, standard output or error is this file, which is then closed as Python does at its end."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, name, file)
        yield file
    file.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The repository of a model whose formula few encodings have."""
    shutil.copytree("repository/add", tmp_path / "models" / "add")
    path = tmp_path / "models" / "add" / "1" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"formula": FORMULA}))
    return tmp_path / "models"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "shift_jis", "utf-8"])
def test_characters_that_the_terminal_lacks_are_replaced(
    model: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    content = io.BytesIO()
    with stream(monkeypatch, "stdout", io.TextIOWrapper(content, encoding=encoding, newline="")):
        assert main(["evaluate", "add", "--repository", str(model)]) == 0
        printed = content.getvalue().decode(encoding)
    expected = FORMULA.encode(encoding, "replace").decode(encoding)
    assert f"add version 1: {expected}\n" in printed
    assert "interpolation" in printed


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_characters_of_an_error_that_the_terminal_lacks_are_replaced(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    content = io.BytesIO()
    with stream(monkeypatch, "stderr", io.TextIOWrapper(content, encoding=encoding, newline="")) as file:
        assert main(["evaluate", "add", "--repository", "模型"]) == 2
        file.flush()
        printed = content.getvalue().decode(encoding)
    expected = "模型".encode(encoding, "replace").decode(encoding)
    assert printed == f"nalu-serve: {expected} has no model 'add'; train one, or give another --repository.\n"


@pytest.mark.parametrize("buffering", [-1, 1], ids=["at-the-end", "at-the-first-line"])
def test_a_closed_pipe_ends_the_command_without_a_word(monkeypatch: pytest.MonkeyPatch, buffering: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    error = io.StringIO()
    with (
        stream(monkeypatch, "stderr", error),
        stream(monkeypatch, "stdout", os.fdopen(writer, "w", buffering=buffering)),
    ):
        assert main(["evaluate", "add"]) == 141
        assert error.getvalue() == ""


def test_a_closed_pipe_of_standard_error_ends_the_command_too(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with stream(monkeypatch, "stderr", os.fdopen(writer, "w", buffering=1)):
        assert main(["evaluate", "nothing"]) == 141


def test_output_on_a_full_disk_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    error = io.StringIO()
    with stream(monkeypatch, "stderr", error), stream(monkeypatch, "stdout", Path("/dev/full").open("w")):
        assert main(["evaluate", "add"]) == 2
        assert error.getvalue() == (
            "nalu-serve: The output cannot be written (No space left on device); free space, or send it elsewhere.\n"
        )


def test_a_closed_standard_output_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        assert main(["evaluate", "add"]) == 0
        sys.stdout.close()


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_closed_stream_takes_what_is_printed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, name, None)
    streams.prepare()
    with getattr(sys, name) as nowhere:
        assert nowhere.write("trained") == 7
