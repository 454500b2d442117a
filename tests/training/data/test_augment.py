"""Augmentation leaves labels true: objects stay whole and as many, counted as connected blobs by SciPy."""

from functools import partial

import pytest
import torch
from scipy import ndimage
from torch import Tensor

from training.data.augment import (
    AUGMENTS,
    background,
    choose_augment,
    flips,
    gentle,
    light,
    strokes,
    usual_augment,
    vary_strokes,
    views,
)


def blobs(height: int = 40, width: int = 40, ground: float = 0.8, colour: float = 0.2) -> Tensor:
    """Images with a blob in every corner, where a cut would be noticed first, and one or two more."""
    images = torch.full((16, 1, height, width), ground)
    for top in (0, height - 6):
        for left in (0, width - 6):
            images[..., top : top + 6, left : left + 6] = colour
    images[..., 15:21, 17:23] = colour
    images[8:, :, 26:32, 4:10] = colour
    images[:, :, :2, :2] = images[:, :, :2, -2:] = images[:, :, -2:, :2] = images[:, :, -2:, -2:] = ground
    return images


def count(image: Tensor, ground: float = 0.8, colour: float = 0.2) -> int:
    middle = (image.min() + image.max()) / 2
    return int(ndimage.label((image < middle if colour < ground else image > middle).numpy())[1])


@pytest.mark.parametrize("keep_size", [False, True])
@pytest.mark.parametrize("variation", [gentle, flips])
@pytest.mark.parametrize("size", [(40, 40), (40, 56)])
def test_what_is_counted_stays_whole_and_as_many(variation: object, keep_size: bool, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    assert [count(image[0]) for image in blobs(*size)] == [5] * 8 + [6] * 8
    for _ in range(5):
        varied = partial(variation, keep_size=keep_size)(blobs(*size))
        assert [count(image[0]) for image in varied] == [5] * 8 + [6] * 8


def test_images_that_keep_their_size_are_moved_whole_and_pixel_by_pixel() -> None:
    torch.manual_seed(0)
    image = torch.rand(4, 3, 20, 30)
    image[..., :2, :2] = image[..., :2, -2:] = image[..., -2:, :2] = image[..., -2:, -2:] = 0.5
    sizes = set()
    for _ in range(10):
        varied = torch.ones(4, 3, 20, 30)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("training.data.augment.light", lambda images: images)
            varied = gentle(image, keep_size=True)
        sizes.add(varied.shape[2:])
        margin = varied.shape[2] - 20, varied.shape[3] - 30
        assert 0 <= margin[0] <= 5
        assert 0 <= margin[1] <= 7
        for before, after in zip(image, varied, strict=True):
            windows = after.unfold(1, 20, 1).unfold(2, 30, 1).permute(1, 2, 0, 3, 4)
            assert (windows == before).flatten(2).all(2).any()
    assert len(sizes) > 5


def test_a_quarter_turn_swaps_height_and_width_and_every_mirror_image_comes() -> None:
    torch.manual_seed(0)
    corner = torch.zeros(64, 1, 24, 24)
    corner[..., 3:9, 3:9] = 1
    seen = set()
    for _ in range(4):
        for image in flips(corner):
            middle = ndimage.center_of_mass(image[0].numpy() > image.max().item() / 2)
            seen.add((middle[0] < 12, middle[1] < 12))
    assert len(seen) == 4
    shapes = {tuple(flips(torch.rand(2, 1, 20, 30)).shape[2:]) for _ in range(20)}
    assert shapes == {(20, 30), (30, 20)}


@pytest.mark.parametrize("variation", [gentle, flips, views, light, strokes, vary_strokes])
@pytest.mark.parametrize("channels", [1, 3])
def test_variations_stay_in_range_and_follow_from_the_random_numbers(variation: object, channels: int) -> None:
    images = torch.rand(8, channels, 28, 28)
    torch.manual_seed(3)
    first = variation(images)
    torch.manual_seed(3)
    second = variation(images)
    assert torch.equal(first, second)
    assert first.shape == images.shape
    assert 0 <= first.min() <= first.max() <= 1
    assert not torch.equal(first, variation(images))


def test_views_fill_what_they_uncover_with_the_images_own_background() -> None:
    torch.manual_seed(0)
    paper = torch.full((32, 3, 28, 28), 0.9) * torch.tensor([1.0, 0.8, 0.6])[:, None, None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.data.augment.light", lambda images: images)
        torch.testing.assert_close(views(paper), paper)


def test_strokes_look_alike_on_light_and_on_dark_paper() -> None:
    dark = torch.zeros(4, 1, 28, 28)
    dark[..., 8:20, 12:15] = 0.7
    torch.manual_seed(0)
    on_dark = strokes(dark)
    torch.manual_seed(0)
    torch.testing.assert_close(strokes(1 - dark), on_dark, rtol=1e-4, atol=1e-5)
    assert on_dark[..., :2, :2].abs().max() < 1e-3


def test_the_background_is_the_mean_of_the_corners_of_each_channel() -> None:
    image = torch.rand(2, 3, 10, 12)
    image[0, 1, :2, :2], image[0, 1, :2, -2:] = 0.1, 0.2
    image[0, 1, -2:, :2], image[0, 1, -2:, -2:] = 0.3, 0.8
    assert background(image)[0, 1].item() == pytest.approx(0.35)


def test_the_usual_variation_leaves_labels_of_its_task_true() -> None:
    assert usual_augment("regression", "sum", "plain") == "gentle"
    assert usual_augment("regression", "count", "strokes") == "gentle"
    assert usual_augment("regression", "average", "strokes") == "none"
    assert usual_augment("classification", "average", "plain") == "views"
    assert usual_augment("classification", "average", "strokes") == "strokes"


def test_every_name_chooses_a_variation_and_none_chooses_none() -> None:
    images = torch.rand(2, 1, 12, 12)
    for name in AUGMENTS:
        chosen = choose_augment(name)
        assert (chosen is None) == (name == "none")
        assert chosen is None or chosen(images).shape == images.shape
