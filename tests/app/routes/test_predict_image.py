from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_image
from tests.app.images import (
    encode,
    exif_entry,
    exif_of,
    grey,
    noise,
    oriented,
    png,
    upload,
    values,
)


def test_a_regression_answer_has_exactly_the_fields_of_the_contract(client: TestClient) -> None:
    assert upload(client, "brightness", grey(7)).json() == {
        "model": "brightness",
        "version": 1,
        "task": "image-regression",
        "predictions": [{"value": 7.0}],
        "warnings": [],
    }


def test_a_classification_answer_names_the_most_probable_class_and_the_probability_of_each(client: TestClient) -> None:
    answer = upload(client, "shade", grey(51), grey(204)).json()
    assert answer["task"] == "image-classification"
    assert [prediction["label"] for prediction in answer["predictions"]] == ["dark", "bright"]
    for prediction, bright in zip(answer["predictions"], (0.2, 0.8), strict=True):
        assert prediction["probabilities"] == pytest.approx({"dark": 1 - bright, "bright": bright}, abs=1e-6)


def test_images_of_different_sizes_are_answered_together_in_their_order(client: TestClient) -> None:
    greys = [10, 250, 30, 40, 99, 0]
    sizes = [(4, 6), (9, 2), (4, 6), (1, 1), (9, 2), (6, 4)]
    contents = [grey(value, *size) for value, size in zip(greys, sizes, strict=True)]
    assert values(upload(client, "brightness", *contents)) == greys


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_png_jpeg_and_webp_are_understood_whatever_the_file_is_called(client: TestClient, kind: str) -> None:
    assert values(upload(client, "brightness", grey(128, 16, 16, kind))) == pytest.approx([128], abs=1)


def test_every_pixel_reaches_the_model(client: TestClient) -> None:
    image = noise(13, 7)
    assert values(upload(client, "brightness", png(image))) == pytest.approx([image.mean()], rel=1e-6)


def test_a_colour_model_sees_all_three_channels(client: TestClient) -> None:
    image = noise(13, 7, 3)
    assert values(upload(client, "colour", png(image))) == pytest.approx([image.mean()], rel=1e-6)


def test_unusual_pixels_are_answered_as_a_viewer_shows_them(client: TestClient) -> None:
    clear = encode(Image.new("RGBA", (3, 3), (0, 0, 0, 0)))
    deep = png(np.full((3, 3), 0x8000, np.uint16))
    ink = encode(Image.new("CMYK", (8, 8), (0, 0, 0, 255)), "JPEG", quality=100)
    assert values(upload(client, "brightness", clear, deep, ink)) == pytest.approx([255, 128, 0], abs=2)


def test_a_model_of_one_size_takes_that_size_and_refuses_others_by_name(client: TestClient) -> None:
    assert values(upload(client, "strict", grey(9, 4, 6))) == [9]
    response = upload(client, "strict", grey(9, 4, 6), grey(9, 6, 4))
    expect_problem(response, 422, "File 1 is 4 x 6 pixels; model 'strict' takes 6 x 4.")


def test_a_model_of_one_size_measures_an_image_upright(client: TestClient) -> None:
    lying = oriented(Image.new("L", (4, 6), 9), 6, "PNG")
    assert values(upload(client, "strict", lying)) == [9]


def test_a_photo_whose_exif_is_odd_is_answered(client: TestClient) -> None:
    resolution_is_text = exif_of(exif_entry(0x011A, 2, 4, b"abc\0"))
    photo = grey(9, 16, 16, "JPEG", exif=resolution_is_text)
    assert values(upload(client, "brightness", photo)) == pytest.approx([9], abs=1)


def test_images_are_computed_in_batches_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.routes.pending_images.BATCH_PIXELS", 250)
    sizes: list[int] = []
    write_image(tmp_path, "brightness", "brightness")
    with running(tmp_path) as client:
        batching = client.app.state.service.batching  # type: ignore[attr-defined]
        compute = batching.predict
        monkeypatch.setattr(
            batching, "predict", lambda model, x, context: sizes.append(len(x)) or compute(model, x, context)
        )
        contents = [grey(i, 10, 10) for i in range(5)] + [grey(9, 50, 50), grey(7, 10, 10)]
        assert values(upload(client, "brightness", *contents)) == [0, 1, 2, 3, 4, 9, 7]
    assert sizes == [2, 2, 1, 1, 1]
