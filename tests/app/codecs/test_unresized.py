"""Models that do not resize: the size of an image is kept, and bounded from below and above."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image, ImageFile

from app.codecs.uploads import Upload
from app.errors import InvalidInputError, TooLargeError
from app.settings import Settings
from tests.app.expect import expect_problem
from tests.app.factory import TestClient, image_manifest, onnx_bytes, running, write_image, write_version
from tests.app.images import claimed_png, encode, grey, noise, oriented, png, upload, values
from tests.app.v2_requests import FREE, binary, body, expect_error, infer, read, tensor

MOST = 20_000
TOO_SMALL = (
    "File 1 is 5 x 4 pixels; model 'total' takes images of at least 6 x 4; enlarge it or pad it with background."
)


def total_onnx() -> bytes:
    """The sum of all pixels, which tells an image from the same image in another size."""
    given = helper.make_tensor_value_info("input", TensorProto.UINT8, ["N", 1, "H", "W"])
    result = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 1])
    axes = helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3])
    nodes = [
        helper.make_node("Cast", ["input"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["float", "axes"], ["output"], keepdims=0),
    ]
    return onnx_bytes(helper.make_graph(nodes, "total", [given], [result], [axes]))


@pytest.fixture(scope="module")
def total(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """total, which takes images of at least 6 x 4 pixels and at most 20,000."""
    root = tmp_path_factory.mktemp("repository")
    manifest = image_manifest("total", "brightness", resize=False)
    write_version(root, total_onnx(), manifest | {"training": manifest["training"] | {"ranges": []}})
    with running(root, max_unresized_pixels=MOST) as client:
        yield client


def test_every_pixel_of_an_image_of_any_size_counts(total: TestClient) -> None:
    images = [noise(height, width) for height, width in ((4, 6), (4, 7), (100, 6), (141, 141), (4, 6))]
    expected = [int(image.astype(int).sum()) for image in images]
    assert values(upload(total, "total", *map(png, images))) == expected


def test_a_jpeg_is_decoded_in_full(total: TestClient) -> None:
    [value] = values(upload(total, "total", grey(100, 100, 200, "JPEG", quality=95)))
    assert value == pytest.approx(100 * 100 * 200, rel=0.01)


@pytest.mark.parametrize("size", [(4, 5), (3, 6), (1, 1), (3, 100)])
def test_an_image_below_the_smallest_is_refused_with_the_way_to_mend_it(
    total: TestClient, size: tuple[int, int]
) -> None:
    height, width = size
    response = upload(total, "total", grey(7, 4, 6), grey(7, height, width))
    expect_problem(response, 422, TOO_SMALL.replace("5 x 4", f"{width} x {height}"))


def test_the_smallest_is_measured_upright(total: TestClient) -> None:
    assert values(upload(total, "total", oriented(Image.new("L", (4, 6), 9), 6, "PNG"))) == [9 * 24]
    lying = oriented(Image.new("L", (6, 4), 9), 6, "PNG")
    problem = expect_problem(upload(total, "total", lying), 422)
    assert problem["detail"].startswith("File 0 is 4 x 6 pixels; model 'total' takes images of at least 6 x 4;")


def test_as_many_pixels_as_allowed_are_taken_and_one_row_more_is_refused_undecoded(
    total: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert values(upload(total, "total", grey(1, 100, 200))) == [MOST]
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("the image was decoded"))
    message = (
        "File 0 is 200 x 101 = 20200 pixels; model 'total' does not resize, and takes at most 20000, so make it "
        "smaller, or cut it into parts."
    )
    expect_problem(upload(total, "total", claimed_png(200, 101)), 413, message)


def test_the_limit_is_for_models_that_take_any_size_unresized_alone(tmp_path: Path) -> None:
    write_image(tmp_path, "resized", "brightness")
    write_image(tmp_path, "strict", "brightness", fixed=True)
    with running(tmp_path, max_unresized_pixels=1) as client:
        assert values(upload(client, "resized", grey(5, 50, 50))) == [5]
        assert values(upload(client, "strict", grey(6, 4, 6))) == [6]


def test_the_limit_of_all_images_counts_too(tmp_path: Path) -> None:
    write_image(tmp_path, "free", "brightness", resize=False)
    with running(tmp_path, max_pixels=100) as client:
        response = upload(client, "free", grey(5, 11, 10))
    expect_problem(response, 413, "File 0 is 10 x 11 = 110 pixels; at most 100 are taken, so make it smaller.")


def test_the_default_limit_is_four_megapixels_and_twice_that_at_the_same_time() -> None:
    settings = Settings()
    assert (settings.max_unresized_pixels, settings.max_concurrent_pixels) == (4_000_000, 8_000_000)
    assert settings.max_unresized_pixels < settings.max_pixels


def test_what_is_decoded_in_full_is_not_taken_to_be_quick() -> None:
    photo = encode(Image.fromarray(noise(500, 400)), "JPEG")
    progressive = encode(Image.fromarray(noise(500, 400)), "JPEG", progressive=True)
    reduced = Upload(photo, "File 0", 10**6, needed=28).decode_seconds
    for whole, times in ((Upload(photo, "File 0", 10**6), 1.5), (Upload(progressive, "File 0", 10**6, needed=28), 5)):
        assert whole.decode_seconds > times * reduced
        assert whole.decode("L").shape == (1, 500, 400)


def test_the_protocol_takes_any_size_from_the_smallest_on(total: TestClient) -> None:
    for height, width in ((4, 6), (9, 7), (100, 200)):
        images = noise(2 * height, width).reshape(2, 1, height, width)
        response = infer(total, "total", *binary(images))
        assert response.json()["outputs"][0]["data"] == images.sum((1, 2, 3), dtype=int).tolist()


def test_the_protocol_refuses_smaller_and_larger_images(total: TestClient) -> None:
    small = "The images are 5 x 4 pixels; model 'total' takes images of at least 6 x 4; enlarge them or pad them "
    response = infer(total, "total", body(tensor(np.zeros((1, 1, 4, 5), np.uint8))))
    expect_error(response, 400, small + "with background.")
    large = (
        "The images are 200 x 101 = 20200 pixels; model 'total' does not resize, and takes at most 20000, so make "
        "them smaller, or cut them into parts."
    )
    expect_error(infer(total, "total", body(tensor(np.zeros((1, 1, 101, 200), np.uint8)))), 413, large)


def test_the_protocols_limits_hold_to_the_pixel() -> None:
    def ask(height: int, width: int, **limits: Any) -> None:
        read(body(tensor(np.zeros((1, 1, height, width), np.uint8))), manifest=FREE, **limits)

    ask(4, 6, max_unresized_pixels=24)
    with pytest.raises(TooLargeError, match="= 24 pixels; model 'free' does not resize, and takes at most 23, so"):
        ask(4, 6, max_unresized_pixels=23)
    for height, width in ((3, 6), (4, 5)):
        with pytest.raises(InvalidInputError, match=f"are {width} x {height} pixels; .* of at least 6 x 4; enlarge"):
            ask(height, width)


def test_bytes_without_a_shape_are_refused_where_any_size_is_taken() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(bytes(24), "0", manifest=FREE)
    assert caught.value.detail == "Model 'free' takes images of any size; send JSON with the shape before the bytes."
