import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.auth.__main__ import main
from app.auth.keys import APIKeys
from tests.app.auth.test_keys import line, named

ROOT = Path(__file__).parents[3]


def test_a_key_that_was_made_is_taken_and_only_its_hash_goes_to_the_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.auth", "alice@example.org"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    match = re.fullmatch(r"The key of alice@example\.org, shown only now: ([A-Za-z0-9_-]{43})\n", made.stderr)
    assert match is not None
    assert made.stdout == line("alice@example.org", match[1])
    file = tmp_path / "keys.txt"
    file.write_text(made.stdout)
    assert named(APIKeys(file), f"Bearer {match[1]}", None) == "alice@example.org"


def test_no_two_keys_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(10):
        assert main(["alice"]) == 0
    assert len(set(capsys.readouterr().out.splitlines())) == 10


def test_a_key_for_what_is_no_name_is_not_made(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["two words"])
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(
        "'two words' is not a valid name: give letters, digits, dots, underscores, hyphens and @, up to 64.\n"
    )


def test_a_key_is_made_for_models_and_a_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alice", "--models", "multiply,add", "--rate", "100/s"]) == 0
    made = capsys.readouterr()
    assert made.out == line("alice", made.err.split()[-1], "models=add,multiply", "rate=100/s")
    (tmp_path / "keys.txt").write_text(made.out)
    assert named(APIKeys(tmp_path / "keys.txt"), None, made.err.split()[-1]) == "alice"


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("--models", "add,", "must be names of models with commas between them, as add,multiply"),
        ("--rate", "100", "must be a whole number from 1 to 1000000000 of requests per s, min or h, as 100/s"),
    ],
)
def test_a_key_for_other_than_models_and_a_rate_is_not_made(
    capsys: pytest.CaptureFixture[str], option: str, value: str, rule: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["alice", option, value])
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(f"argument {option}: '{value}' {rule}.\n")
