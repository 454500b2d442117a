import hashlib
import logging
import os
from pathlib import Path

import pytest

from app.auth.keys import APIKeys
from app.settings import SettingsError
from app.settings.rate import Rate

REPAIR = "make one with python -m app.auth NAME."


def line(name: str, key: str, *fields: str) -> str:
    return " ".join([name, hashlib.sha256(key.encode()).hexdigest(), *fields]) + "\n"


def named(keys: APIKeys, authorization: str | None, x_api_key: str | None) -> str | None:
    """The name of the key in these headers."""
    key = keys.find(authorization, x_api_key)
    return key and key.name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.txt"
    path.write_text("# the keys of the tests\n\n" + line("alice", "key-of-alice") + "\n  " + line("bob", "key-of-bob"))
    return path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the service believes to have passed."""
    now = [1000.0]
    monkeypatch.setattr("app.auth.keys.monotonic", lambda: now[0])
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
    assert named(APIKeys(file), authorization, x_api_key) == name


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
    assert named(APIKeys(file), authorization, x_api_key) is None


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
        named(keys, None, key)
        assert compared == both


def test_a_name_may_have_two_keys_while_one_is_replaced(file: Path) -> None:
    with file.open("a") as keys:
        keys.write(line("alice", "her-next-key"))
    assert [named(APIKeys(file), None, key) for key in ("key-of-alice", "her-next-key")] == ["alice", "alice"]


def test_a_file_of_windows_with_a_byte_order_mark_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + line("alice", "key-of-alice").replace("\n", "\r\n").encode())
    assert named(APIKeys(file), None, "key-of-alice") == "alice"


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
    assert [named(keys, None, f"key-of-{name}") for name in ("alice", "carol")] == ["alice", None]
    clock[0] += 0.1
    assert [named(keys, None, f"key-of-{name}") for name in ("alice", "carol")] == [None, "carol"]
    assert caplog.messages == ["Read the API keys of carol."]


def test_a_file_that_turns_bad_leaves_the_keys_that_were_read_and_is_logged_once_a_change(
    file: Path, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    keys = APIKeys(file)
    kept = "The keys that were read before stay valid."
    file.write_text("carol my-secret-key")
    for _ in range(3):
        clock[0] += 1
        assert named(keys, None, "key-of-alice") == "alice"
    file.unlink()
    for _ in range(3):
        clock[0] += 1
        assert named(keys, None, "key-of-alice") == "alice"
    assert caplog.messages == [
        f"NALU_API_KEYS_FILE is '{file}', whose line 1 is not `name sha256`; {REPAIR} {kept}",
        f"NALU_API_KEYS_FILE is '{file}', which cannot be read (No such file or directory); "
        f"give a file that can be. {kept}",
    ]
    file.write_text(line("carol", "key-of-carol"))
    clock[0] += 1
    assert [named(keys, None, f"key-of-{name}") for name in ("alice", "carol")] == [None, "carol"]


def test_a_file_of_the_same_size_that_is_replaced_is_read_again(file: Path, clock: list[float]) -> None:
    keys = APIKeys(file)
    file.write_text(file.read_text().replace("alice", "carol"))
    os.utime(file, (1, 1))
    clock[0] += 1
    assert named(keys, None, "key-of-alice") == "carol"


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
    assert named(keys, None, "key-of-alice") == "carol"


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
    assert [named(keys, None, f"key-of-{name}") for name in ("alice", "carol")] == [None, "carol"]


def test_a_file_that_is_found_empty_revokes_the_keys_if_it_still_is_at_the_next_check(
    file: Path, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    keys = APIKeys(file)
    file.write_text("")
    clock[0] += 1
    assert named(keys, None, "key-of-alice") == "alice"  # it may be about to be written
    clock[0] += 1
    assert named(keys, None, "key-of-alice") is None
    assert caplog.messages == [f"{file} has no key any more: no key is valid."]
    file.write_text(line("alice", "key-of-alice"))
    clock[0] += 1
    assert named(keys, None, "key-of-alice") == "alice"


@pytest.mark.parametrize(
    ("fields", "models", "rate"),
    [
        ([], None, None),
        (["models=add"], {"add"}, None),
        (["rate=100/s"], None, Rate(100, "s")),
        (["models=add,digit-sum,add", "rate=6000/min"], {"add", "digit-sum"}, Rate(6000, "min")),
        (["rate=1/h", "models=a.b_c"], {"a.b_c"}, Rate(1, "h")),
    ],
)
def test_a_line_may_name_models_and_a_rate(
    file: Path, fields: list[str], models: set[str] | None, rate: Rate | None
) -> None:
    file.write_text(line("carol", "key-of-carol", *fields))
    key = APIKeys(file).find(None, "key-of-carol")
    assert key is not None
    assert (key.name, key.models, key.rate) == ("carol", models, rate)


MODELS_RULE = "has `models=` with other than names of models with commas between them, as add,multiply; correct it."
RATE_RULE = (
    "has `rate=` with other than a whole number from 1 to 1000000000 of requests per s, min or h, as 100/s; correct it."
)
FIELDS_RULE = "has more than one `models=` and one `rate=` after its `name sha256`; remove the rest."


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (["models="], MODELS_RULE),
        (["models=add,"], MODELS_RULE),
        (["models=add,../x"], MODELS_RULE),
        (["models=*"], MODELS_RULE),
        (["models"], MODELS_RULE),
        (["rate=0/s"], RATE_RULE),
        (["rate=1.5/s"], RATE_RULE),
        (["rate=100"], RATE_RULE),
        (["rate=100/sec"], RATE_RULE),
        (["rate=1000000001/s"], RATE_RULE),
        (["rate=1/s", "rate=2/s"], FIELDS_RULE),
        (["model=add"], FIELDS_RULE),
        (["add"], FIELDS_RULE),
    ],
)
def test_what_a_key_allows_is_never_guessed(file: Path, fields: list[str], problem: str) -> None:
    file.write_text(line("alice", "a") + line("carol", "key-of-carol", *fields))
    with pytest.raises(SettingsError) as caught:
        APIKeys(file)
    assert str(caught.value) == f"NALU_API_KEYS_FILE is '{file}', whose line 2 {problem}"
