from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import models
from models import ImageNetwork
from models.backbones import build_backbone
from models.preprocessing import ImagePreprocessing


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (8, 8), (28, 28), (37, 53), (240, 320)])
def test_resizing_equals_antialiased_interpolation(size: tuple[int, int]) -> None:
    x = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8)
    expected = functional.interpolate(x / 255, (20, 24), mode="bilinear", antialias=True)
    torch.testing.assert_close(ImagePreprocessing(20, 24)(x), expected, rtol=1e-4, atol=2e-6)


def test_stroke_contrast_sees_dark_on_light_as_light_on_dark() -> None:
    image = torch.full((1, 1, 28, 28), 230, dtype=torch.uint8)
    image[..., 10:20, 12:16] = 40
    pixels = ImagePreprocessing(28, 28, contrast="strokes")
    torch.testing.assert_close(pixels(image), pixels(255 - image), rtol=1e-5, atol=1e-5)
    faint = image.clone()
    faint[image == 40] = 180
    torch.testing.assert_close(pixels(faint), pixels(image), rtol=1e-3, atol=1e-3)
    assert pixels(image).amin() == 0
    assert pixels(image).amax() == 1


def test_an_empty_image_has_no_strokes_and_no_nan() -> None:
    empty = torch.full((1, 1, 10, 10), 128, dtype=torch.uint8)
    assert ImagePreprocessing(28, 28, contrast="strokes")(empty).abs().max() < 1e-5


def test_preprocessing_is_part_of_the_network_for_any_size_and_batch() -> None:
    torch.manual_seed(0)
    network = ImageNetwork("classification", 10, "NALU").eval()
    x = torch.randint(0, 256, (3, 1, 40, 30), dtype=torch.uint8)
    y = network(x)
    torch.testing.assert_close(y.sum(1), torch.ones(3))
    torch.testing.assert_close(network(x[1:2]), y[1:2])


def test_a_value_is_learned_in_units_of_its_scale() -> None:
    torch.manual_seed(0)
    one = ImageNetwork("regression", 1, "NAC").eval()
    ten = ImageNetwork(**{**one.config, "scale": 10.0}).eval()
    ten.load_state_dict(one.state_dict())
    x = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    torch.testing.assert_close(ten(x), 10 * one(x))


def test_colour_images_and_unpooled_locations_work() -> None:
    network = ImageNetwork("regression", 1, "NAC", mode="RGB", height=16, width=24, pool=None).eval()
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 50, 60), dtype=np.uint8)
    assert network(torch.from_numpy(x)).shape == (2, 1)


def test_what_does_not_fit_is_a_clear_value_error() -> None:
    with pytest.raises(ValueError, match=r"^Unknown contrast 'high'\. Available: plain, strokes\.$"):
        ImagePreprocessing(28, 28, contrast="high")
    with pytest.raises(ValueError, match=r"^height and width must be at least 4, got 28 x 3\.$"):
        ImagePreprocessing(28, 3)
    with pytest.raises(ValueError, match=r"^Unknown backbone 'resnet'\. Available: small, local, fine, or package"):
        build_backbone("resnet", 1)


def test_the_old_name_of_the_network_warns_and_is_the_new_one() -> None:
    old = "PictureNetwork"  # alias: the name in 0.1
    with pytest.warns(FutureWarning, match=rf"^models\.{old} is called models\.ImageNetwork now; use that\.$"):
        assert getattr(models, old) is ImageNetwork


@pytest.mark.parametrize("pool", ["average", "count", "product"])
def test_a_scripted_network_says_what_the_module_says(pool: Any) -> None:
    network = ImageNetwork("regression", 1, "NALU", pool=pool, contrast="strokes").eval()
    scripted = torch.jit.script(network)  # type: ignore[no-untyped-call]
    for size in ((28, 28), (9, 40)):
        x = torch.randint(0, 256, (2, 1, *size), dtype=torch.uint8)
        torch.testing.assert_close(scripted(x), network(x))
