from pathlib import Path

import pytest
from PIL import Image

from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_image
from tests.app.images import UNSUPPORTED_IMAGE, claimed_png, encode, grey, noise, png, upload, values


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x89PNG\r\n\x1a\n",
        grey(7, kind="ICO"),
        grey(7, kind="TGA"),
        png(noise(40, 40))[:800],
        encode(Image.fromarray(noise(40, 40)), "JPEG")[:800],
    ],
    ids=["empty", "text", "only-signature", "ico", "tga", "half-png", "half-jpeg"],
)
def test_what_is_no_whole_image_is_refused_by_its_place(client: TestClient, content: bytes) -> None:
    expect_problem(upload(client, "brightness", grey(7), content), 415, UNSUPPORTED_IMAGE.format("File 1"))


def test_a_tiny_file_that_claims_to_be_huge_is_too_large(client: TestClient) -> None:
    problem = expect_problem(upload(client, "brightness", claimed_png(50_000, 50_000)), 413)
    assert problem["detail"].endswith("pixels; at most 25000000 are taken, so make it smaller.")


def test_the_pixel_limit_itself_is_taken_and_one_row_more_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path, "brightness", "brightness")
    with running(tmp_path, max_pixels=100) as client:
        assert values(upload(client, "brightness", grey(5, 10, 10))) == [5]
        response = upload(client, "brightness", grey(5, 11, 10))
    expect_problem(response, 413, "File 0 is 10 x 11 = 110 pixels; at most 100 are taken, so make it smaller.")


def test_more_files_than_allowed_are_refused(tmp_path: Path) -> None:
    write_image(tmp_path, "brightness", "brightness")
    with running(tmp_path, max_files=2) as client:
        assert values(upload(client, "brightness", grey(5), grey(6))) == [5, 6]
        response = upload(client, "brightness", *[grey(5)] * 3)
    expect_problem(response, 413, "The request has 3 files; at most 2 are taken, so send several.")


def test_an_upload_over_the_body_limit_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path, "brightness", "brightness")
    with running(tmp_path, max_body_bytes=10_000) as client:
        response = upload(client, "brightness", b"x" * 10_000)
        parts = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' + b"x" * 10_000
        headers = {"Content-Type": "multipart/form-data; boundary=cut"}
        chunked = client.post("/predict/image", content=iter([parts, b"\r\n--cut--\r\n"]), headers=headers)
    for answer in (response, chunked):
        expect_problem(answer, 413, "The request body is larger than 10000 bytes; send fewer rows or files at a time.")


@pytest.mark.parametrize(
    ("fields", "files", "detail"),
    [
        ({}, [("files", grey(7))], "body.model: Field required."),
        ({"model": "brightness"}, [("other", grey(7))], "body.files: Field required."),
        ({"model": "brightness", "files": "text"}, [("other", grey(7))], "body.files.0: Input should be a file."),
        (
            {"model": "brightness", "version": "0"},
            [("files", grey(7))],
            'body.version: Input should be greater than or equal to 1, not "0".',
        ),
        (
            {"model": "sum"},
            [("files", grey(7))],
            "Model 'sum' takes numbers, not images; use POST /predict/arithmetic.",
        ),
    ],
)
def test_a_form_of_another_shape_is_refused(
    client: TestClient, fields: dict[str, str], files: list[tuple[str, bytes]], detail: str
) -> None:
    expect_problem(client.post("/predict/image", data=fields, files=files), 422, detail)


@pytest.mark.parametrize(("name", "given"), [("model", ["shade", "brightness"]), ("version", ["1", "1", "1"])])
def test_a_field_that_is_there_once_and_comes_again_is_refused(client: TestClient, name: str, given: list[str]) -> None:
    fields = {"model": "brightness", name: given}
    response = client.post("/predict/image", data=fields, files=[("files", grey(7))])
    message = f"The form has {len(given)} fields '{name}', and one is taken; send one request for each."
    expect_problem(response, 422, message)


def test_unknown_fields_may_be_repeated(client: TestClient) -> None:
    fields = {"model": "brightness", "note": ["a", "b"]}
    assert values(client.post("/predict/image", data=fields, files=[("files", grey(7))])) == [7]


def test_a_body_that_is_no_form_is_refused(client: TestClient) -> None:
    response = client.post("/predict/image", json={"model": "brightness"})
    expect_problem(response, 422)


def test_a_broken_form_is_refused(client: TestClient) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    for body in (b"", b"--cut", b"nonsense", b"--cut\r\n\r\n\r\n--cut--"):
        response = client.post("/predict/image", content=body, headers=headers)
        assert 400 <= response.status_code < 500
        expect_problem(response, response.status_code)


def test_a_text_field_in_the_place_of_a_file_is_refused_without_echo(client: TestClient) -> None:
    response = client.post("/predict/image", data={"model": "brightness", "files": "x" * 500_000})
    expect_problem(response, 422)


def test_an_unknown_model_or_version_is_not_found(client: TestClient) -> None:
    message = "There is no model 'nobody'; GET /models lists all models."
    expect_problem(upload(client, "nobody", grey(7)), 404, message)
    message = "Model 'brightness' has no version 2; it has 1."
    expect_problem(upload(client, "brightness", grey(7), version="2"), 404, message)


def test_the_pixels_of_all_files_together_are_limited(tmp_path: Path) -> None:
    write_image(tmp_path, "brightness", "brightness")
    with running(tmp_path, max_request_pixels=200) as client:
        assert values(upload(client, "brightness", grey(5, 10, 10), grey(6, 10, 10))) == [5, 6]
        response = upload(client, "brightness", grey(5, 10, 10), grey(6, 10, 10), grey(7, 1, 1))
    expect_problem(response, 413, "The files have more than 200 pixels together; send fewer at a time.")
