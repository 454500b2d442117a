"""The example images of the documentation are images that can be predicted."""

import io

from PIL import Image

from tests.app.factory import TestClient
from tests.app.images import upload, values


def test_the_documented_image_is_a_digit_that_can_be_predicted(client: TestClient) -> None:
    response = client.get("/docs/digit.png")
    assert response.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(response.content)).size == (96, 96)
    assert 128 < values(upload(client, "brightness", response.content))[0] < 255


def test_the_documented_image_of_several_digits_is_a_png(client: TestClient) -> None:
    response = client.get("/docs/digits.png")
    assert response.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(response.content)).size == (176, 88)
