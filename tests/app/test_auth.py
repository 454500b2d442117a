import hashlib
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app import auth
from app.auth import APIKeys, is_public, main
from app.settings import SettingsError

ROOT = Path(__file__).parents[2]
REPAIR = "make one with python -m app.auth NAME."


def line(name: str, key: str) -> str:
    return f"{name} {hashlib.sha256(key.encode()).hexdigest()}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.txt"
    path.write_text("# the keys of the tests\n\n" + line("alice", "key-of-alice") + "\n  " + line("bob", "key-of-bob"))
    return path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the service believes to have passed."""
    now = [1000.0]
    monkeypatch.setattr(auth, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("authorization", "x_api_key", "name"),
    [
        ("Bearer key-of-alice", None, "alice"),
        ("bearer  key-of-alice ", None, "alice"),
        (None, "key-of-bob", "bob"),
        ("Basic a2V5LW9mLWFsaWNl", "key-of-bob", "bob"),
        ("Bearer of-a-proxy", "key-of-bob", "bob"),
        ("Bearer key-of-alice", "key-of-bob", "alice"),
    ],
)
def test_a_key_is_known_by_its_name(file: Path, authorization: str | None, x_api_key: str | None, name: str) -> None:
    assert APIKeys(file).check(authorization, x_api_key) == name


@pytest.mark.parametrize(
    ("authorization", "x_api_key"),
    [
        (None, None),
        ("", ""),
        ("Bearer ", None),
        ("Bearer", None),
        ("key-of-alice", None),
        ("Basic key-of-alice", None),
        (None, "Bearer key-of-alice"),
        (None, "key-of-alic"),
        (None, "key-of-alicE"),
        (None, "key-of-alice\x00"),
        (None, "clé"),
        (None, "key-of-alice" * 10_000),
        (None, hashlib.sha256(b"key-of-alice").hexdigest()),
        (None, "alice"),
    ],
)
def test_what_is_no_key_is_refused(file: Path, authorization: str | None, x_api_key: str | None) -> None:
    assert APIKeys(file).check(authorization, x_api_key) is None


def test_every_key_is_compared_whichever_fits_and_in_constant_time(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(given: bytes, expected: bytes) -> bool:
        compared.append(expected)
        return given == expected

    monkeypatch.setattr("hmac.compare_digest", compare)
    keys = APIKeys(file)
    both = [hashlib.sha256(key).digest() for key in (b"key-of-alice", b"key-of-bob")]
    for key in ("key-of-alice", "key-of-bob", "key-of-nobody"):
        compared.clear()
        keys.check(None, key)
        assert compared == both


def test_a_name_may_have_two_keys_while_one_is_replaced(file: Path) -> None:
    with file.open("a") as keys:
        keys.write(line("alice", "her-next-key"))
    assert [APIKeys(file).check(None, key) for key in ("key-of-alice", "her-next-key")] == ["alice", "alice"]


def test_a_file_of_windows_with_a_byte_order_mark_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + line("alice", "key-of-alice").replace("\n", "\r\n").encode())
    assert APIKeys(file).check(None, "key-of-alice") == "alice"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", f"which has no key; {REPAIR}"),
        ("# none yet\n\n", f"which has no key; {REPAIR}"),
        ("# first\nalice my-secret-key\n", f"whose line 2 is not `name sha256`; {REPAIR}"),
        (line("alice", "k") + "my-secret-key\n", f"whose line 2 is not `name sha256`; {REPAIR}"),
        (line("two words", "k"), f"whose line 1 is not `name sha256`; {REPAIR}"),
        (line("a" * 65, "k"), f"whose line 1 is not `name sha256`; {REPAIR}"),
        (line("alice", "k").upper(), f"whose line 1 is not `name sha256`; {REPAIR}"),
        ("\xff\xfe", f"whose line 1 is not `name sha256`; {REPAIR}"),
    ],
)
def test_a_bad_file_stops_the_start_and_names_the_line_and_nothing_that_is_in_it(
    file: Path, content: str, problem: str
) -> None:
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(SettingsError) as caught:
        APIKeys(file)
    assert str(caught.value) == f"NALU_API_KEYS_FILE is '{file}', {problem}"


@pytest.mark.parametrize(("name", "reason"), [("none.txt", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        APIKeys(tmp_path / name)
    assert str(caught.value) == (
        f"NALU_API_KEYS_FILE is '{tmp_path / name}', which cannot be read ({reason}); give a file that can be."
    )


def test_a_changed_file_is_read_again_within_a_second_and_not_looked_at_more_often(
    file: Path, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.auth")
    keys = APIKeys(file)
    file.write_text(line("carol", "key-of-carol"))
    clock[0] += 0.9
    assert [keys.check(None, f"key-of-{name}") for name in ("alice", "carol")] == ["alice", None]
    clock[0] += 0.1
    assert [keys.check(None, f"key-of-{name}") for name in ("alice", "carol")] == [None, "carol"]
    assert caplog.messages == ["Read the API keys of carol."]


def test_a_file_that_turns_bad_leaves_the_keys_that_were_read_and_is_logged_once_a_change(
    file: Path, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    keys = APIKeys(file)
    kept = "The keys that were read before stay valid."
    file.write_text("carol my-secret-key")
    for _ in range(3):
        clock[0] += 1
        assert keys.check(None, "key-of-alice") == "alice"
    file.unlink()
    for _ in range(3):
        clock[0] += 1
        assert keys.check(None, "key-of-alice") == "alice"
    assert caplog.messages == [
        f"NALU_API_KEYS_FILE is '{file}', whose line 1 is not `name sha256`; {REPAIR} {kept}",
        f"NALU_API_KEYS_FILE is '{file}', which cannot be read (No such file or directory); "
        f"give a file that can be. {kept}",
    ]
    file.write_text(line("carol", "key-of-carol"))
    clock[0] += 1
    assert [keys.check(None, f"key-of-{name}") for name in ("alice", "carol")] == [None, "carol"]


def test_a_file_of_the_same_size_that_is_replaced_is_read_again(file: Path, clock: list[float]) -> None:
    keys = APIKeys(file)
    file.write_text(file.read_text().replace("alice", "carol"))
    os.utime(file, (1, 1))
    clock[0] += 1
    assert keys.check(None, "key-of-alice") == "carol"


def test_a_file_that_was_swapped_for_one_of_the_same_size_and_time_is_read_again(
    file: Path, clock: list[float]
) -> None:
    keys = APIKeys(file)
    next_one = file.with_name("next")
    next_one.write_text(file.read_text().replace("alice", "carol"))
    status = file.stat()
    os.utime(next_one, ns=(status.st_atime_ns, status.st_mtime_ns))
    next_one.replace(file)
    clock[0] += 1
    assert keys.check(None, "key-of-alice") == "carol"


def test_a_link_that_is_turned_to_another_folder_as_kubernetes_does_is_read_again(
    tmp_path: Path, clock: list[float]
) -> None:
    for folder, name in (("first", "alice"), ("second", "carol")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "keys").write_text(line(name, f"key-of-{name}"))
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "keys").symlink_to("..data/keys")
    keys = APIKeys(tmp_path / "keys")
    (tmp_path / "..next").symlink_to("second")
    (tmp_path / "..next").replace(tmp_path / "..data")
    clock[0] += 1
    assert [keys.check(None, f"key-of-{name}") for name in ("alice", "carol")] == [None, "carol"]


def test_a_file_that_is_found_empty_revokes_the_keys_if_it_still_is_at_the_next_check(
    file: Path, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    keys = APIKeys(file)
    file.write_text("")
    clock[0] += 1
    assert keys.check(None, "key-of-alice") == "alice"  # it may be about to be written
    clock[0] += 1
    assert keys.check(None, "key-of-alice") is None
    assert caplog.messages == [f"{file} has no key any more: no key is valid."]
    file.write_text(line("alice", "key-of-alice"))
    clock[0] += 1
    assert keys.check(None, "key-of-alice") == "alice"


@pytest.mark.parametrize(
    "path",
    ["/", "/docs", "/docs/swagger-ui.css", "/openapi.json", "/health/live", "/health/ready", "/v2/health/ready"],
)
def test_probes_and_docs_are_open(path: str) -> None:
    assert is_public(path, True)
    assert is_public(path, False)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/predict/arithmetic",
        "/models",
        "/models/add",
        "/v2",
        "/v2/models/add/infer",
        "/v2/repository/index",
        "/docsandmore",
        "/healthy",
        "/HEALTH/live",
        "/openapi.json/",
        "/metrics/",
    ],
)
def test_everything_else_asks_for_a_key(path: str) -> None:
    assert not is_public(path, False)


def test_metrics_are_open_unless_the_settings_protect_them() -> None:
    assert is_public("/metrics", False)
    assert not is_public("/metrics", True)


def test_a_key_that_was_made_is_taken_and_only_its_hash_goes_to_the_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.auth", "alice@example.org"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    match = re.fullmatch(r"The key of alice@example\.org, shown only now: ([A-Za-z0-9_-]{43})\n", made.stderr)
    assert match is not None
    assert made.stdout == line("alice@example.org", match[1])
    file = tmp_path / "keys.txt"
    file.write_text(made.stdout)
    assert APIKeys(file).check(f"Bearer {match[1]}", None) == "alice@example.org"


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
