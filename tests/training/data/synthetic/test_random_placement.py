"""Digits at any pixel: every label is right, no digit is cut or covered, and they lie at any pixel."""

import numpy as np
import pytest

from training.data.synthetic.random_placement import non_overlapping_corners, place_randomly, scene_side

SIDE = 28


def frames(count: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images of frames of one pixel, which lose ink wherever they are cut or covered, and their labels."""
    frame = np.zeros((1, SIDE, SIDE), np.uint8)
    frame[0, [0, -1], :] = frame[0, :, [0, -1]] = 200
    drawn = place_randomly(frame, np.array([3]), count, n, np.random.default_rng(seed), scale=(1, 1))
    return drawn.images, drawn.digits


@pytest.mark.parametrize("count", [0, 1, 2, 10, 100])
def test_every_digit_is_there_whole(count: int) -> None:
    images, digits = frames(count, 5)
    side = scene_side(count, SIDE)
    assert images.shape == (5, 1, side, side)
    assert digits.shape == (5, 1, count)
    assert (digits == 3).all()
    assert (images.sum((1, 2, 3), dtype=np.int64) == count * 200 * (4 * SIDE - 4)).all()


def test_digits_do_not_overlap_and_come_to_lie_at_every_offset() -> None:
    random, found = np.random.default_rng(0), []
    for _ in range(300):
        corners = non_overlapping_corners(10, SIDE, scene_side(10, SIDE), random)
        distances = np.abs(corners[:, None] - corners).max(2)
        assert distances[~np.eye(10, dtype=bool)].min() >= SIDE
        found.append(corners % 8)
    shares = np.histogram2d(*np.concatenate(found).T, bins=(range(9), range(9)))[0] / 3000
    np.testing.assert_allclose(shares, 1 / 64, rtol=0.6)


def test_totals_are_those_of_the_digits_that_are_drawn() -> None:
    shades = np.repeat(20 * np.arange(1, 11, dtype=np.uint8), SIDE * SIDE).reshape(10, SIDE, SIDE)
    drawn = place_randomly(shades, np.arange(10), 4, 20, np.random.default_rng(0), scale=(1, 1))
    for image, total in zip(drawn.images[:, 0], drawn.sums, strict=True):
        shade, pixels = np.unique(image[image > 0], return_counts=True)
        assert total == ((shade / 20 - 1) * pixels).sum() / SIDE**2
    assert drawn.counts.tolist() == [4] * 20


def test_the_same_seed_places_the_same_and_another_otherwise() -> None:
    first, again, other = (frames(3, 4, seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
