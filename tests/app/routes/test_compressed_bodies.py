"""Content-Encoding of the bodies of /predict and of /v2/repository."""

import gzip
import json
import zlib
from pathlib import Path

import pytest

from tests.app.conftest import MAX_BODY_BYTES
from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_sum
from tests.app.images import grey
from tests.app.v2_requests import expect_error

URL = "/predict/arithmetic"
BODY = json.dumps({"model": "sum", "inputs": [[3, 4]]}).encode()
TOO_LARGE = (
    f"The request body is larger than {MAX_BODY_BYTES} bytes once decompressed; send fewer rows or files at a time."
)


def image_body() -> tuple[bytes, str]:
    """A form with an image, and its Content-Type."""
    parts = [
        b'--cut\r\nContent-Disposition: form-data; name="model"\r\n\r\nbrightness\r\n',
        b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' + grey(7) + b"\r\n--cut--\r\n",
    ]
    return b"".join(parts), "multipart/form-data; boundary=cut"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZip", "deflate"])
def test_compressed_numbers_and_images_are_read(client: TestClient, encoding: str) -> None:
    pack = zlib.compress if encoding == "deflate" else gzip.compress
    response = client.post(URL, content=pack(BODY), headers={"Content-Encoding": encoding})
    assert response.json()["predictions"] == [[7.0]]
    form, kind = image_body()
    response = client.post(
        "/predict/image", content=pack(form), headers={"Content-Encoding": encoding, "Content-Type": kind}
    )
    assert response.json()["predictions"] == [{"value": 7.0}]


def test_a_compressed_body_of_many_rows_is_read_whole(client: TestClient) -> None:
    body = json.dumps({"model": "sum", "inputs": [[row, 1] for row in range(50_000)]}).encode()
    response = client.post(URL, content=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    assert response.json()["predictions"] == [[row + 1.0] for row in range(50_000)]


@pytest.mark.parametrize("path", [URL, "/predict/image"])
@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "deflate, gzip", "gzip2", "*"])
def test_an_encoding_that_is_not_known_gets_415_and_those_that_are(
    client: TestClient, path: str, encoding: str
) -> None:
    response = client.post(path, content=BODY, headers={"Content-Encoding": encoding})
    expect_problem(response, 415, f"Content-Encoding is '{encoding}'; send gzip, deflate or identity.")
    assert response.headers["accept-encoding"] == "gzip, deflate, identity"


PACKED = gzip.compress(BODY)


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (BODY, "The body is not valid gzip, its Content-Encoding; compress it again."),
        (PACKED[:-9], "The gzip body is truncated; send one complete stream."),
        (PACKED[:3], "The gzip body is truncated; send one complete stream."),
        (b"", "The gzip body is truncated; send one complete stream."),
        (PACKED + b"x", "The gzip body has bytes after its end; send one complete stream."),
        (PACKED[:-5] + b"\0" * 5, "The body is not valid gzip, its Content-Encoding; compress it again."),
    ],
    ids=["plain", "truncated", "head", "empty", "more", "checksum"],
)
@pytest.mark.parametrize("path", [URL, "/predict/image"])
def test_what_is_no_gzip_gets_422(client: TestClient, path: str, content: bytes, detail: str) -> None:
    expect_problem(client.post(path, content=content, headers={"Content-Encoding": "gzip"}), 422, detail)


@pytest.mark.parametrize("path", [URL, "/predict/image"])
def test_a_bomb_is_not_unpacked_beyond_the_limit(client: TestClient, path: str) -> None:
    bomb = gzip.compress(bytes(20 * MAX_BODY_BYTES), 1)
    assert len(bomb) < MAX_BODY_BYTES // 5
    expect_problem(client.post(path, content=bomb, headers={"Content-Encoding": "gzip"}), 413, TOO_LARGE)
    as_large = BODY.ljust(MAX_BODY_BYTES)
    response = client.post(URL, content=gzip.compress(as_large, 1), headers={"Content-Encoding": "gzip"})
    assert response.json()["predictions"] == [[7.0]]


def test_an_error_in_a_compressed_body_is_that_of_the_body(client: TestClient) -> None:
    body = BODY.replace(b"[3, 4]", b"[3, 4, 5]")
    response = client.post(URL, content=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    expect_problem(response, 422, "Model 'sum' takes 2 columns (a, b); row 0 has 3.")


def test_every_body_may_be_compressed_and_its_errors_have_the_form_of_its_protocol(tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path, model_control="explicit") as client:
        for path in ("/v2/repository/index", "/v2/repository/models/sum/load", "/v2/repository/models/sum/unload"):
            packed = client.post(path, content=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})
            assert packed.status_code == 200
            expect_error(client.post(path, content=b"{}", headers={"Content-Encoding": "gzip"}), 400)
            expect_error(client.post(path, content=b"{}", headers={"Content-Encoding": "br"}), 415)


def test_a_get_is_answered_whatever_its_content_encoding(client: TestClient) -> None:
    assert client.get("/models", headers={"Content-Encoding": "br"}).status_code == 200
