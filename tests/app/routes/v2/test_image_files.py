"""Images as files under /v2: a tensor of BYTES, in base64 in JSON or in binary."""

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.app.factory import TestClient, running, write_image, write_sum
from tests.app.images import UNSUPPORTED_IMAGE, grey, noise, png
from tests.app.v2_requests import body, expect_error, infer, tensor

FILES = [png(noise(13, 7)), grey(9), grey(250, 9, 2)]
MEANS = [noise(13, 7).mean(), 9, 250]


def in_json(*files: bytes, **changes: Any) -> bytes:
    data = [base64.b64encode(file).decode() for file in files]
    members = {"name": "input", "shape": [len(files)], "datatype": "BYTES", "data": data} | changes
    return body({name: value for name, value in members.items() if value is not None})


def in_binary(*files: bytes, shape: list[int] | None = None, cut: int = 0) -> tuple[bytes, str]:
    content = b"".join(struct.pack("<I", len(file)) + file for file in files)
    content = content[: len(content) - cut]
    header = in_json(*files, shape=shape or [len(files)], data=None, parameters={"binary_data_size": len(content)})
    return header + content, str(len(header))


def outputs(response: Any) -> list[float]:
    assert response.status_code == 200, response.text
    [output] = response.json()["outputs"]
    assert output["shape"] == [len(output["data"]), 1]
    return list(output["data"])


@pytest.mark.parametrize("shape", [[3], [3, 1]])
def test_files_in_json_and_in_binary_are_answered_in_their_order(client: TestClient, shape: list[int]) -> None:
    assert outputs(infer(client, "brightness", in_json(*FILES, shape=shape))) == pytest.approx(MEANS, rel=1e-6)
    assert outputs(infer(client, "brightness", *in_binary(*FILES, shape=shape))) == pytest.approx(MEANS, rel=1e-6)


def test_base64_may_be_nested_as_the_shape_is(client: TestClient) -> None:
    nested = [[base64.b64encode(file).decode()] for file in FILES]
    assert outputs(infer(client, "brightness", in_json(*FILES, shape=[3, 1], data=nested))) == pytest.approx(MEANS)


def test_labels_and_binary_outputs_are_those_of_the_same_pixels(client: TestClient) -> None:
    pixels = np.full((1, 1, 4, 6), 200, np.uint8)
    for members in ({}, {"outputs": [{"name": "output", "parameters": {"classification": 1}}]}):
        files = json.loads(in_json(grey(200))) | members
        expected = infer(client, "shade", body(tensor(pixels), **members))
        assert infer(client, "shade", json.dumps(files).encode()).json() == expected.json()


def test_the_metadata_of_a_model_still_declares_pixels(client: TestClient) -> None:
    inputs = client.get("/v2/models/brightness").json()["inputs"]
    assert inputs == [{"name": "input", "datatype": "UINT8", "shape": [-1, 1, -1, -1]}]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ((in_json(*FILES[:2], shape=[3]), None), "Input 'input' has 2 images; its shape [3] needs 3."),
        ((in_json(*FILES, shape=[2]), None), "Input 'input' has more than 2 images; its shape [2] needs 2."),
        (in_binary(*FILES[:2], shape=[3]), "Input 'input' has 2 images; its shape [3] needs 3."),
        (in_binary(*FILES, shape=[2]), "Input 'input' has more than 2 images; its shape [2] needs 2."),
        (
            in_binary(*FILES, cut=1),
            "Image 2 of input 'input' is cut off; send each as its length, four bytes little-endian, and its bytes.",
        ),
        (
            in_binary(b"", cut=1),
            "Image 0 of input 'input' is cut off; send each as its length, four bytes little-endian, and its bytes.",
        ),
        (
            (in_json(shape=[0], data=[]), None),
            "Input 'input' has shape [0]; BYTES, with a file for each image, has [images] or [images, 1].",
        ),
        (
            (in_json(*FILES, shape=[3, 2]), None),
            "Input 'input' has shape [3, 2]; BYTES, with a file for each image, has [images] or [images, 1].",
        ),
        (
            (in_json(*FILES, shape=[]), None),
            "Input 'input' has shape []; BYTES, with a file for each image, has [images] or [images, 1].",
        ),
        (
            (in_json(*FILES[:1], data=[7]), None),
            "Image 0 of input 'input' is not a string; send the file in base64.",
        ),
        (
            (in_json(*FILES[:1], data=["abc"]), None),
            "Image 0 is not base64 (incorrect padding); encode the bytes of the file, as base64 does.",
        ),
        (
            (in_json(*FILES[:1], data=None), None),
            "Input 'input' has neither 'data' nor parameter 'binary_data_size'; give one of them.",
        ),
        (
            (in_json(*FILES[:1], datatype="FP32"), None),
            "Input 'input' has datatype 'FP32'; model 'brightness' takes UINT8 or BYTES.",
        ),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused(
    client: TestClient, content: tuple[bytes, str | None], error: str
) -> None:
    expect_error(infer(client, "brightness", *content), 400, error)


def test_what_is_no_image_is_named_by_its_index(client: TestClient) -> None:
    expect_error(infer(client, "brightness", in_json(grey(7), b"x")), 415, UNSUPPORTED_IMAGE.format("Image 1"))


def test_a_model_of_numbers_takes_no_files(client: TestClient) -> None:
    message = "Input 'input' has datatype 'BYTES'; model 'sum' takes FP64."
    expect_error(infer(client, "sum", in_json(grey(7))), 400, message)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root = tmp_path_factory.mktemp("repository")
    write_image(root, "brightness", "brightness")
    write_sum(root)
    with running(root, max_files=2, max_pixels=100, max_request_pixels=150, max_body_bytes=2000) as client:
        yield client


def test_one_image_one_pixel_or_one_byte_too_many_is_refused(small: TestClient) -> None:
    for write in (lambda *files: (in_json(*files), None), in_binary):
        assert outputs(infer(small, "brightness", *write(grey(5, 10, 10), grey(6, 5, 10)))) == [5, 6]
        message = "The request has 3 images; at most 2 are taken, so send several."
        expect_error(infer(small, "brightness", *write(*[grey(5)] * 3)), 413, message)
        message = "Image 0 is 101 x 1 = 101 pixels; at most 100 are taken, so make it smaller."
        expect_error(infer(small, "brightness", *write(grey(5, 1, 101))), 413, message)
        message = "The images have more than 150 pixels together; send fewer at a time."
        expect_error(infer(small, "brightness", *write(grey(5, 10, 10), grey(5, 3, 17))), 413, message)
    content = in_json(grey(5))
    assert outputs(infer(small, "brightness", content.ljust(2000))) == [5]
    message = "The request body is larger than 2000 bytes; send fewer rows or files at a time."
    expect_error(infer(small, "brightness", content.ljust(2001)), 413, message)


def test_tritonclient_sends_files_in_binary(client: TestClient) -> None:
    http = pytest.importorskip("tritonclient.http")
    files = http.InferInput("input", [3, 1], "BYTES")
    files.set_data_from_numpy(np.array([[file] for file in FILES], dtype=np.object_), binary_data=True)
    content, length = http.InferenceServerClient.generate_request_body(
        [files], outputs=[http.InferRequestedOutput("output", binary_data=False)]
    )
    assert outputs(infer(client, "brightness", content, str(length))) == pytest.approx(MEANS, rel=1e-6)
