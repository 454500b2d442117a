"""Addresses of object stores, and the sentences for what obstore, run for real against a small server, fails with."""

import os
import socket
from pathlib import Path

import pytest
from obstore.exceptions import GenericError
from obstore.store import LocalStore, MemoryStore

from models.object_store import ObjectMissingError, ObjectStore, StoredFile, StoreError, check_address
from tests.fixed_server import fixed_server

ADDRESS = "s3://bucket/models"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setattr("models.object_store.RETRIES", {"max_retries": 0})


def answer(status: str, body: str = "", length: int | None = None) -> bytes:
    length = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}".encode()


FAILURES = {
    "403": (answer("403 Forbidden", "<Code>AccessDenied</Code>"), "access is denied (403); give the credentials the "),
    "401": (answer("401 Unauthorized"), "access is denied (403); give the credentials the permission."),
    "404": (answer("404 Not Found", "<Code>NoSuchBucket</Code>"), "there is no such bucket; create it, or correct it."),
    "500": (answer("500 Oops"), "it answers with status 500."),
    "503": (answer("503 Slow Down"), "it answers with status 503."),
    "301": (answer("301 Moved"), "it is in another region; set AWS_REGION."),
    "truncated": (answer("200 OK", "<List", 500), "the connection broke before the answer's end."),
    "closed": (b"", "the connection broke before the answer's end."),
    "silent": (None, "it does not answer in time."),
    "nonsense": (answer("200 OK", "hello"), "Generic S3 error: Got invalid list response: invalid type: string"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_listing_that_fails_is_one_sentence(failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    response, reason = FAILURES[failure]
    if response is None:
        monkeypatch.setenv("AWS_TIMEOUT", "50ms")
    with fixed_server(response) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        with pytest.raises(StoreError) as raised:
            ObjectStore.open(ADDRESS).list()
    assert str(raised.value).startswith(f"{ADDRESS} cannot be listed: {reason}")
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")


def test_a_store_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
    with pytest.raises(StoreError, match="the connection is refused; correct the endpoint, or start the store"):
        ObjectStore.open(ADDRESS).list()


def test_an_endpoint_without_tls_and_without_permission_for_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StoreError, match="its endpoint has no TLS; set AWS_ALLOW_HTTP=true, or give an https"):
        ObjectStore.open(ADDRESS).list()


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("minio:9000", "minio:9000"),
        ("http://minio:99999", "http://minio:99999"),  # obstore would panic
        ("http://[::zz]:9000", "http://[::zz]:9000"),
        ("http://min%io", "http://min%io"),
        ("http://", "http://"),
        ("https://user:hunter2@minio example.org/hunter2@x", "https://***@x"),
        ("user:hunter2@minio:9000", "***@minio:9000"),
        ("ftp://minio:9000/?token=hunter2", "ftp://minio:9000/?***"),
    ],
)
def test_an_endpoint_that_is_no_address_is_one_sentence_without_what_is_secret(
    endpoint: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(StoreError) as raised:
        ObjectStore.open(ADDRESS)
    assert str(raised.value) == (
        f"AWS_ENDPOINT_URL is '{shown}', which must be an address such as https://minio.example.org:9000."
    )


@pytest.mark.parametrize("endpoint", ["https://a.example.org", "http://[::1]:9000/path", "http://me:pass@host_1:80/"])
def test_an_endpoint_that_is_an_address_is_taken(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert ObjectStore.open(ADDRESS).endpoint == endpoint


def test_an_error_that_no_sentence_is_known_for_does_not_hold_the_password_of_the_endpoint() -> None:
    class Failing:
        def list(self, *_: object, **__: object) -> None:
            raise GenericError("Error performing GET http://user:hunter2@minio:9000/bucket?token=1 in 3 ms")

    with pytest.raises(StoreError) as raised:
        ObjectStore(ADDRESS, Failing()).list()
    assert str(raised.value) == (
        f"{ADDRESS} cannot be listed: Error performing GET http://***@minio:9000/bucket?*** in 3 ms."
    )


def test_credentials_of_which_a_half_is_missing_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreError, match=r"cannot be opened: there are no credentials; set those of the environment"):
        ObjectStore.open(ADDRESS)


def test_missing_credentials_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    # obstore then asks the metadata service of a cloud's machine, as which the server answers
    with fixed_server(answer("404 Not Found")) as port:
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        with pytest.raises(StoreError, match=r"there are no credentials; set those of the environment, AWS_\.\.\., or"):
            ObjectStore.open(ADDRESS).list()


def test_an_azure_address_without_an_account_is_one_sentence() -> None:
    with pytest.raises(StoreError, match="its account is not known; set AZURE_STORAGE_ACCOUNT_NAME"):
        ObjectStore.open("az://container/models")


@pytest.mark.parametrize("address", ["s3://bucket", "gs://my.bucket/a/b-c_d", "az://container/models"])
def test_an_address_of_a_known_scheme_is_taken_without_slashes_at_its_end(address: str) -> None:
    assert check_address(address) == check_address(f"{address}/") == address


@pytest.mark.parametrize(
    "address",
    ["ftp://bucket", "s3://", "s3:///models", "s3://key:secret@bucket", "s3://bucket/a?b", "S3://bucket", "file:///a"],
)
def test_any_other_address_is_refused_with_the_rule(address: str) -> None:
    with pytest.raises(ValueError, match=r"^must be a folder, or the address of an object store: s3://bucket/prefix"):
        check_address(address)


def test_a_file_is_written_read_and_listed_below_the_address(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content := bytes(range(256)) * 10)
    for raw in (MemoryStore(), LocalStore(tmp_path / "store", mkdir=True)):
        store = ObjectStore(ADDRESS, raw)
        store.write("sum/1/model.onnx", tmp_path / "file")
        (file,) = store.list()
        assert (file.path, file.size) == ("sum/1/model.onnx", 2560)
        assert file.tag
        assert b"".join(store.read(file)) == content


def test_an_object_that_left_is_an_error_of_its_own() -> None:
    with pytest.raises(ObjectMissingError, match=f"^{ADDRESS}/sum is not there any more.$"):
        list(ObjectStore(ADDRESS, MemoryStore()).read(StoredFile("sum", 1, "tag")))


def test_a_file_that_may_not_be_replaced_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"new")
    memory = MemoryStore()
    memory.put("file", b"old")
    sentence = f"^{ADDRESS}/file is there already, as another upload wrote it meanwhile; repeat both, one after the ot"
    with pytest.raises(StoreError, match=sentence):
        ObjectStore(ADDRESS, memory).write("file", tmp_path / "file", replace=False)
    assert bytes(memory.get("file").bytes()) == b"old"
