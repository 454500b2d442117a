"""``push`` uploads a version whole or not at all, and never over another."""

import os
import socket
from pathlib import Path

import pytest
from obstore.exceptions import GenericError
from obstore.store import MemoryStore

from models.manifest import Manifest
from models.object_store import ObjectStore
from tests.app.factory import write_sum
from training.__main__ import main

ADDRESS = "s3://bucket/models"


class RecordingStore:
    """obstore's store in memory, which remembers what was written and may fail at one file."""

    def __init__(self) -> None:
        self.memory = MemoryStore()
        self.written: list[str] = []
        self.fails_at = ""

    def __getattr__(self, name: str) -> object:
        return getattr(self.memory, name)

    def put(self, path: str, content: object, **options: object) -> None:
        if path == self.fails_at:
            raise GenericError("Generic S3 error: ... status: 403")
        self.memory.put(path, content, **options)  # type: ignore[arg-type]
        self.written.append(path)

    def contents(self) -> dict[str, bytes]:
        paths = [entry["path"] for page in self.memory.list() for entry in page]
        return {path: bytes(self.memory.get(path).bytes()) for path in paths}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> RecordingStore:
    """What every address opens."""
    store = RecordingStore()
    monkeypatch.setattr(ObjectStore, "open", lambda address, **_: ObjectStore(address, store))
    return store


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """sum, versions 1 and 2."""
    for version in (1, 2):
        write_sum(tmp_path, version=version, weight=version)
    return tmp_path


def push(repository: Path, *arguments: str) -> int:
    return main(["push", "sum", ADDRESS, "--repository", str(repository), *arguments])


def files(repository: Path, version: int, number: int | None = None) -> dict[str, bytes]:
    return {
        f"sum/{number or version}/{path.name}": path.read_bytes()
        for path in (repository / "sum" / str(version)).iterdir()
    }


def test_the_highest_version_is_uploaded_byte_for_byte_and_its_manifest_last(
    store: RecordingStore, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(repository) == 0
    assert store.contents() == files(repository, 2)
    assert store.written == ["sum/2/model.onnx", "sum/2/manifest.json"]
    size = (repository / "sum/2/model.onnx").stat().st_size
    assert capsys.readouterr().out.splitlines()[::3] == [
        f"uploaded model.onnx, {size} bytes",
        f"serve    python -m app --repository {ADDRESS}",
    ]


def test_a_version_that_is_there_is_not_uploaded_again(
    store: RecordingStore, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    push(repository, "--version", "1")
    before = list(store.written)
    capsys.readouterr()
    assert push(repository, "--version", "1") == 0
    assert store.written == before
    assert capsys.readouterr().out.startswith(f"{ADDRESS}/sum/1 is there already, with the same files.\n")


def test_a_version_with_other_files_is_not_overwritten_and_goes_up_as_the_next_number(
    store: RecordingStore, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for version in ("1", "2"):
        push(repository, "--version", version)
    before = store.contents()
    write_sum(repository, version=1, weight=5)
    capsys.readouterr()
    assert push(repository, "--version", "1") == 2
    assert capsys.readouterr().err == (
        f"nalu-serve: {ADDRESS}/sum/1 is there already with other files; push yours as the next free version with "
        "--as 3, or remove that one.\n"
    )
    assert store.contents() == before
    assert push(repository, "--version", "1", "--as", "3") == 0
    after = store.contents()
    manifest = Manifest.model_validate_json(after.pop("sum/3/manifest.json"))
    assert (manifest.name, manifest.version) == ("sum", 3)
    assert after.pop("sum/3/model.onnx") == (repository / "sum/1/model.onnx").read_bytes()
    assert after == before
    assert push(repository, "--version", "1", "--as", "3") == 0


def test_an_upload_that_fails_leaves_no_manifest_and_the_same_command_completes_it(
    store: RecordingStore, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.fails_at = "sum/2/manifest.json"
    assert push(repository) == 2
    assert capsys.readouterr().err == (
        f"nalu-serve: {ADDRESS}/sum/2/manifest.json cannot be written: access is denied (403); give the credentials "
        "the permission.\n"
    )
    assert store.contents().keys() == {"sum/2/model.onnx"}
    store.memory.put("sum/2/model.onnx", b"half")
    store.fails_at = ""
    assert push(repository) == 0
    assert store.contents() == files(repository, 2)


def test_a_file_that_is_missing_there_or_damaged_is_uploaded(store: RecordingStore, repository: Path) -> None:
    push(repository)
    content = (repository / "sum/2/model.onnx").read_bytes()
    store.memory.delete("sum/2/model.onnx")
    for damaged in (None, content[:-1], content[:-1] + bytes([content[-1] ^ 1])):
        if damaged is not None:
            store.memory.put("sum/2/model.onnx", damaged)
        assert push(repository) == 0
        assert store.contents() == files(repository, 2)


def test_two_uploads_of_one_number_that_met_are_sorted_out_by_repeating_both(
    store: RecordingStore, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = repository, repository / "second"
    write_sum(second, version=2, weight=9)
    push(first)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(ObjectStore, "list", lambda *_: [])  # as it was before the first upload
        assert push(second) == 2
    assert f"{ADDRESS}/sum/2/manifest.json is there already, as another upload wrote it" in capsys.readouterr().err
    assert store.contents() != files(first, 2)
    assert (push(second), push(first)) == (2, 0)
    assert store.contents() == files(first, 2)


def test_a_folder_whose_files_are_damaged_is_not_uploaded(
    store: RecordingStore, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "sum/2/model.onnx").write_bytes(b"damaged")
    assert push(repository) == 2
    assert "model.onnx has SHA-256" in capsys.readouterr().err
    assert not store.contents()


def test_an_unknown_model_and_an_address_of_another_kind_are_one_sentence(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", "other", ADDRESS, "--repository", str(repository)]) == 2
    assert capsys.readouterr().err == (
        f"nalu-serve: {repository} has no model 'other'; train one, or give another --repository.\n"
    )
    for address in ("ftp://bucket", "models"):
        assert main(["push", "sum", address, "--repository", str(repository)]) == 2
        assert capsys.readouterr().err == (
            f"nalu-serve: '{address}' is no address of an object store; give one as s3://bucket/prefix, gs:// or "
            "az://.\n"
        )


def test_a_store_that_is_not_there_is_one_sentence(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr("models.object_store.RETRIES", {"max_retries": 0})
    assert push(repository) == 2
    assert capsys.readouterr().err == (
        f"nalu-serve: {ADDRESS} cannot be listed: the connection is refused; correct the endpoint, or start the "
        "store.\n"
    )
