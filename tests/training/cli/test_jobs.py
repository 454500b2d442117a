"""``--jobs``: calls in processes of their own print in order, and the first error ends all."""

import os
import time
from pathlib import Path

import pytest

from training.cli.jobs import in_order
from training.cli.parser import build_parser
from training.errors import InputError


def note(folder: Path, name: str, seconds: float) -> None:
    time.sleep(seconds)
    (folder / name).write_text(str(os.getpid()))
    print(f"{name} is written")


def refuse(name: str) -> None:
    raise InputError(f"{name} is refused.")


def test_one_job_is_this_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_order(note, [(tmp_path, "a", 0.0), (tmp_path, "b", 0.0)], 1)
    assert {(tmp_path / name).read_text() for name in "ab"} == {str(os.getpid())}
    assert capsys.readouterr().out == "a is written\nb is written\n"


@pytest.mark.slow
def test_jobs_are_processes_that_print_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_order(note, [(tmp_path, "a", 0.3), (tmp_path, "b", 0.0)], 8)
    assert str(os.getpid()) not in {(tmp_path / name).read_text() for name in "ab"}
    assert capsys.readouterr().out == "a is written\nb is written\n"


@pytest.mark.slow
def test_the_error_of_a_job_is_the_error_of_the_command() -> None:
    with pytest.raises(InputError, match=r"^a is refused\.$"):
        in_order(refuse, [("a",), ("b",)], 2)


def test_no_job_at_all_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["fit", "data.csv", "--target", "y", "--jobs", "0"])
    assert "argument --jobs: '0' is not a whole number of at least 1" in capsys.readouterr().err
