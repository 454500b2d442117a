"""POST /predict/image with base64 in JSON: the answers and the limits are those of a form."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_image
from tests.app.images import UNSUPPORTED_IMAGE, claimed_png, grey, noise, png, upload, values

URL = "/predict/image"
NEITHER = (
    "The body is {}, but a form or JSON is required: send multipart/form-data with the fields model and files, as curl "
    "-F does, or application/json with model and images."
)


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def ask(client: TestClient, model: str, *images: Any, **members: Any) -> Response:
    response: Response = client.post(URL, json={"model": model, "images": list(images)} | members)
    return response


def test_json_and_a_form_of_the_same_files_get_the_same_answer(client: TestClient) -> None:
    contents = [png(noise(13, 7)), grey(9, kind="JPEG", height=16, width=16), grey(250)[:-12]]
    for model in ("brightness", "shade"):
        in_json = ask(client, model, *map(text, contents))
        form = upload(client, model, *contents)
        assert in_json.status_code == 200
        assert in_json.content == form.content


@pytest.mark.parametrize(
    "written",
    [
        lambda content: "data:image/png;base64," + text(content),
        lambda content: "DATA:image/png;BASE64," + text(content),
        lambda content: base64.encodebytes(content).decode(),  # with a line break every 76 characters
        lambda content: base64.encodebytes(content).decode().replace("\n", "\r\n"),
    ],
    ids=["data URL", "data URL in capitals", "lines", "lines of MIME"],
)
def test_data_urls_and_base64_in_lines_are_read(client: TestClient, written: Any) -> None:
    content = png(noise(20, 20))
    assert values(ask(client, "brightness", written(content))) == values(upload(client, "brightness", content))


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/x-www-form-urlencoded", ""]
)
def test_a_body_that_begins_as_an_object_is_json_unless_it_is_said_to_be_a_form(client: TestClient, kind: str) -> None:
    body = json.dumps({"model": "brightness", "images": [text(grey(7))]})
    assert values(client.post(URL, content=f" \n{body}", headers={"Content-Type": kind})) == [7]
    expect_problem(
        client.post(URL, content=f"[{body}]", headers={"Content-Type": "text/plain"}), 422, NEITHER.format("text/plain")
    )


def test_a_version_is_taken_and_one_that_is_missing_named(client: TestClient) -> None:
    assert ask(client, "brightness", text(grey(7)), version=1).json()["version"] == 1
    expect_problem(
        ask(client, "brightness", text(grey(7)), version=7), 404, "Model 'brightness' has no version 7; it has 1."
    )


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("abc", "Image 1 is not base64 (incorrect padding); encode the bytes of the file, as base64 does."),
        ("ab==x", "Image 1 is not base64 (excess data after padding); encode the bytes of the file, as base64 does."),
        ("-_-_", "Image 1 is not base64 (only base64 data is allowed); encode the bytes of the file, as base64 does."),
        ("äöü", "Image 1 is not base64 (only base64 data is allowed); encode the bytes of the file, as base64 does."),
        (
            "data:image/png,xyz",
            "Image 1 is a data: URL that is not in base64; begin it as data:image/png;base64,",
        ),
        ("data:image/svg+xml", "Image 1 is a data: URL that is not in base64; begin it as data:image/png;base64,"),
    ],
)
def test_what_is_not_base64_is_named_by_its_index(client: TestClient, image: str, reason: str) -> None:
    problem = expect_problem(ask(client, "brightness", text(grey(7)), image), 422, reason)
    assert problem["errors"] == [{"location": "body.images.1", "message": reason}]


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_what_is_no_image_is_named_by_its_index(client: TestClient, content: bytes) -> None:
    expect_problem(ask(client, "brightness", text(grey(7)), text(content)), 415, UNSUPPORTED_IMAGE.format("Image 1"))


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"images": ["YQ=="]}, "body.model: Field required."),
        ({"model": "brightness"}, "body.images: Field required."),
        (
            {"model": "brightness", "images": []},
            "body.images: List should have at least 1 item after validation, not 0.",
        ),
        ({"model": "brightness", "images": "YQ=="}, 'body.images: Input should be a valid array, not "YQ==".'),
        ({"model": "brightness", "images": [[]]}, "body.images.0: Input should be a valid string."),
        ({"model": "brightness", "images": [5]}, "body.images.0: Input should be a valid string, not 5."),
        ({"model": "brightness", "image": "YQ==", "images": ["YQ=="]}, "body.image: Extra inputs are not permitted."),
        ({"model": "sum", "images": ["YQ=="]}, "Model 'sum' takes numbers, not images; use POST /predict/arithmetic."),
    ],
)
def test_a_body_of_another_shape_is_refused(client: TestClient, body: dict[str, Any], detail: str) -> None:
    expect_problem(client.post(URL, json=body), 422, detail)


def test_a_body_that_is_no_json_is_refused(client: TestClient) -> None:
    problem = expect_problem(client.post(URL, content=b'{"model": ', headers={"Content-Type": "application/json"}), 422)
    assert problem["detail"].startswith("body: Invalid JSON: ")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("repository")
    write_image(root, "brightness", "brightness")
    write_image(root, "free", "brightness", resize=False)
    limits = {"max_files": 2, "max_pixels": 100, "max_unresized_pixels": 50, "max_request_pixels": 150}
    with running(root, max_body_bytes=2000, **limits) as client:
        yield client


def test_as_many_images_as_allowed_are_taken_and_one_more_is_refused(small: TestClient) -> None:
    image = text(grey(5))
    assert values(ask(small, "brightness", image, image)) == [5, 5]
    message = "The request has 3 images; at most 2 are taken, so send several."
    expect_problem(ask(small, "brightness", image, image, image), 413, message)


def test_as_many_pixels_as_allowed_are_taken_and_one_more_is_refused(small: TestClient) -> None:
    assert values(ask(small, "brightness", text(grey(5, 10, 10)), text(grey(5, 5, 10)))) == [5, 5]
    one_more = "Image 1 is 101 x 1 = 101 pixels; at most 100 are taken, so make it smaller."
    expect_problem(ask(small, "brightness", text(grey(5)), text(grey(5, 1, 101))), 413, one_more)
    together = "The images have more than 150 pixels together; send fewer at a time."
    expect_problem(ask(small, "brightness", text(grey(5, 10, 10)), text(grey(5, 3, 17))), 413, together)
    unresized = ask(small, "free", text(grey(5, 3, 17)))
    message = "Image 0 is 17 x 3 = 51 pixels; model 'free' does not resize, and takes at most 50, so make it smaller"
    assert expect_problem(unresized, 413)["detail"].startswith(message)
    assert values(ask(small, "free", text(grey(5, 5, 10)))) == [5]
    smaller = "Image 0 is 1 x 1 pixels; model 'free' takes images of at least 6 x 4; "
    assert expect_problem(ask(small, "free", text(grey(5, 1, 1))), 422)["detail"].startswith(smaller)


def test_as_many_bytes_as_allowed_are_taken_and_one_more_is_refused(small: TestClient) -> None:
    body = json.dumps({"model": "brightness", "images": [text(grey(5))]}).encode()
    headers = {"Content-Type": "application/json"}
    assert values(small.post(URL, content=body.ljust(2000), headers=headers)) == [5]
    refused = small.post(URL, content=body.ljust(2001), headers=headers)
    expect_problem(refused, 413, "The request body is larger than 2000 bytes; send fewer rows or files at a time.")


def test_a_few_bytes_that_claim_many_pixels_cost_nothing(client: TestClient) -> None:
    problem = expect_problem(ask(client, "brightness", text(claimed_png(50_000, 50_000))), 413)
    assert problem["detail"].startswith("Image 0 ")


def test_a_body_of_very_many_images_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    write_image(tmp_path, "brightness", "brightness")
    with running(tmp_path, max_json_values=40_000) as client:
        response = ask(client, "brightness", *["YQ=="] * 40_000)
    expect_problem(response, 413, "The body has 40003 values; at most 40000 are taken, so send several.")
