"""Every limit exactly at it and one too many, and inputs that are meant to do harm."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_image, write_sum
from tests.app.images import UNSUPPORTED_IMAGE, claimed_png, grey, noise, png, upload, values
from tests.app.raw_http import PROTOCOLS, LiveService, RawConnection, listening, post, predict_body

URL = "/predict/arithmetic"
MAX_BYTES = 1000
TOO_DEEP = "The body is nested deeper than 32 levels, which is the limit; send plain rows."
BYTES = b"The request body is larger than 1000 bytes; send fewer rows or files at a time."


@pytest.fixture(scope="module", params=PROTOCOLS)
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    root = tmp_path_factory.mktemp("repository")
    write_sum(root)
    with listening(root, request.param, max_body_bytes=MAX_BYTES) as live:
        yield live


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    head = post(b"", "Transfer-Encoding: chunked", length=False)
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("chunk", [0, 7, 5000], ids=["length", "small-chunks", "one-chunk"])
def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_refused(live: LiveService, chunk: int) -> None:
    taken, refused = predict_body([3, 4], length=MAX_BYTES), predict_body([3, 4], length=MAX_BYTES + 1)
    with RawConnection(live.port) as connection:
        answer = connection.send(chunked(taken, chunk) if chunk else post(taken)).answer()
        assert (answer.status, b"7.0" in answer.body) == (200, True)
        answer = connection.send(chunked(refused, chunk) if chunk else post(refused)).answer()
        assert (answer.status, BYTES in answer.body) == (413, True)
        if chunk:  # what comes after a body that had to be read is the next request
            assert connection.send(post(taken)).answer().status == 200
        else:
            assert answer.header("connection") == "close"
            assert connection.ends()


@pytest.mark.parametrize("levels", [32, 33])
def test_thirty_two_levels_are_taken_and_thirty_three_refused(client: TestClient, levels: int) -> None:
    body = b'{"x":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"
    detail = "body.model: Field required. (2 more such errors)" if levels == 32 else TOO_DEEP
    expect_problem(client.post(URL, content=body), 422, detail)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000, b"[{" * 50_000])
def test_a_hundred_thousand_levels_are_refused_before_they_are_parsed(client: TestClient, body: bytes) -> None:
    expect_problem(client.post(URL, content=body), 422, TOO_DEEP)
    response = client.post("/v2/models/sum/infer", content=body)
    assert (response.status_code, response.json()) == (400, {"error": TOO_DEEP})


@pytest.mark.parametrize(
    ("inputs", "detail"),
    [
        (b"[" + b"0," * 700_000 + b"0]", "body.inputs.0: Input should be a valid array, not 0."),
        (b"[[" + b'"",' * 600_000 + b"0]]", 'body.inputs.0.0: Input should be a valid number, not "".'),
        (b"[" + b"[]," * 600_000 + b"[]]", "The request has 600001 rows; at most 100000 are taken, so send several."),
        (b"[[" + b"0," * 700_000 + b"0]]", "Model 'sum' takes 2 columns (a, b); row 0 has 700001."),
    ],
    ids=["bare-numbers", "empty-words", "empty-rows", "one-wide-row"],
)
def test_a_body_of_a_million_faults_is_refused_for_the_first_of_them(
    client: TestClient, inputs: bytes, detail: str
) -> None:
    response = client.post(URL, content=b'{"model": "sum", "inputs": ' + inputs + b"}")
    expect_problem(response, 413 if "rows;" in detail else 422, detail)


@pytest.mark.parametrize(
    "number",
    ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", '"1.5"', "true", "null", "[]", "{}", "0x1", "01", "1_0"],
)
def test_what_is_no_finite_number_is_never_a_failure_of_the_service(client: TestClient, number: str) -> None:
    body = f'{{"model": "sum", "inputs": [[1, {number}]]}}'.encode()
    expect_problem(client.post(URL, content=body), 422)
    tensor = f'{{"inputs": [{{"name": "input", "datatype": "FP64", "shape": [1, 2], "data": [1, {number}]}}]}}'.encode()
    assert client.post("/v2/models/sum/infer", content=tensor).status_code == 400


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("index.html", "<script>alert(1)</script>")
    return content.getvalue()


HTML = b"<html><script>alert(1)</script></html>"
IMAGE = png(noise(40, 40))


@pytest.mark.parametrize(
    "content",
    [
        IMAGE[:33] + HTML,
        IMAGE[:33] + archive(),
        IMAGE[: len(IMAGE) // 2],
        IMAGE[:-60],
        HTML + IMAGE,
        archive(),
        b"GIF89a" + bytes(200),
        grey(7, kind="GIF")[:13],
        b"II*\0\x08\0\0\0" + bytes(200),
        b"BM" + bytes(200),
        b"\0\0\0\x1cftypavif" + bytes(200),
        b"P5 60 60 255\n" + bytes(200),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        IMAGE.replace(b"IHDR", b"IHDX"),
        b"\xff\xd8\xff\xe0" + bytes(200),
        b"RIFF\x00\x00\x00\x10WEBPVP8 " + bytes(200),
    ],
    ids=[
        "html-after-header",
        "zip-after-header",
        "half",
        "last-pixels-missing",
        "html-first",
        "zip",
        "gif-of-zeros",
        "gif-without-frame",
        "tiff-of-zeros",
        "bmp-of-zeros",
        "avif-of-zeros",
        "netpbm-too-short",
        "svg",
        "eps",
        "no-header",
        "jpeg-of-zeros",
        "webp-of-zeros",
    ],
)
def test_a_file_that_only_looks_like_an_image_is_rejected(client: TestClient, content: bytes) -> None:
    expect_problem(upload(client, "brightness", content), 415, UNSUPPORTED_IMAGE.format("File 0"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_bytes_after_a_whole_image_are_ignored(client: TestClient, kind: str) -> None:
    whole = grey(128, 16, 16, kind)
    assert values(upload(client, "brightness", whole + archive(), whole + HTML)) == pytest.approx([128, 128], abs=1)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (2**31 - 1, 1), (25_000_001, 1), (1, 25_000_001)])
def test_a_hundred_bytes_that_claim_many_pixels_are_refused_and_cost_nothing(
    client: TestClient, width: int, height: int
) -> None:
    content = claimed_png(width, height)
    assert len(content) < 100
    problem = expect_problem(upload(client, "brightness", content), 413)
    assert problem["detail"].startswith("File 0 ")
    assert problem["detail"].endswith("pixels; at most 25000000 are taken, so make it smaller.")


def test_an_image_of_no_pixels_is_refused(client: TestClient) -> None:
    expect_problem(upload(client, "brightness", claimed_png(0, 0)), 415, UNSUPPORTED_IMAGE.format("File 0"))


def test_as_many_files_as_allowed_are_taken_and_one_more_is_refused(client: TestClient) -> None:
    image = grey(9)
    assert values(upload(client, "brightness", *[image] * 64)) == [9] * 64
    message = "The request has 65 files; at most 64 are taken, so send several."
    expect_problem(upload(client, "brightness", *[image] * 65), 413, message)


def test_thousands_of_parts_are_refused(client: TestClient) -> None:
    message = "The form has more than 1000 parts, which is the limit; send fewer."
    expect_problem(upload(client, "brightness", *[b"x"] * 1001), 422, message)


def test_exactly_the_pixels_that_may_wait_are_taken_and_one_more_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path, "brightness", "brightness")
    with running(tmp_path, max_queued_pixels=100) as client:
        batching = client.app.state.service.batching  # type: ignore[attr-defined]
        with batching.queue_limiter.reserve_pixels(50):
            assert values(upload(client, "brightness", grey(5, 5, 5), grey(6, 5, 5))) == [5, 6]
        with batching.queue_limiter.reserve_pixels(51):
            refused = upload(client, "brightness", grey(5, 5, 5), grey(6, 5, 5))
        assert batching.queue_limiter.pixels == 0
        assert values(upload(client, "brightness", grey(5, 20, 20))) == [5]  # nothing waits
    expect_problem(refused, 503, "51 pixels are queued or running, and 100 is the limit; try again later.")
    assert refused.headers["retry-after"] == "1"
