"""Digits as other people write them: each a little different, and still the same digit."""

import numpy as np

from training.data.handwriting_augment import SLANT, STRETCH, TURN, augment_handwriting


def bars(n: int) -> np.ndarray:
    """Upright bars of 20 x 4 pixels in the middle of images of 28."""
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 250
    return images


def lean(image: np.ndarray) -> float:
    """Columns that a bar moves to the side a row, by least squares through the middle of its ink."""
    rows = np.flatnonzero(image.sum(1) > 500)
    middles = image[rows] @ np.arange(28) / image[rows].sum(1)
    return float(np.polyfit(rows, middles, 1)[0])


def test_digits_lean_to_both_sides_and_no_further_than_turn_and_slant_together() -> None:
    leans = [lean(image) for image in augment_handwriting(bars(300), np.random.default_rng(0)).astype(int)]
    most = np.tan(TURN) + SLANT + 0.03
    assert -most < min(leans) < -most / 2
    assert most / 2 < max(leans) < most


def test_digits_grow_and_shrink_within_the_stretch() -> None:
    heights = augment_handwriting(bars(300), np.random.default_rng(0)).max(2).astype(int).sum(1) / 250
    assert 20 * np.exp(-STRETCH) - 1.5 < heights.min() < 19.5
    assert 20.5 < heights.max() < 20 * np.exp(STRETCH) + 1.5


def test_the_same_random_numbers_write_the_same_and_no_two_digits_are_written_alike() -> None:
    first, again = (augment_handwriting(bars(20), np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.uint8
    assert len(np.unique(first.reshape(20, -1), axis=0)) == 20
