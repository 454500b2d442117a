import numpy as np
import pytest
import torch

from models.pixels import Pixels
from training.data.canvas import NOTHING, grid
from training.digits.canvases import SINGLES, Digits, TrainingCanvases, canvases_of
from training.digits.totals import COUNT, PRODUCT, SUM, Total

PICTURES = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
LABELS = np.tile(np.arange(10, dtype=np.uint8), 4)


def batches(total: Total, epochs: int = 10) -> TrainingCanvases:
    digits = Digits(PICTURES, LABELS, total.lowest_digit)
    pixels = Pixels(None, None, contrast="strokes")
    return TrainingCanvases(total, digits, pixels, epochs=epochs, steps=12, batch_size=8, seed=3)


def test_an_epochs_canvases_follow_from_its_number_alone() -> None:
    torch.manual_seed(0)
    once = list(batches(SUM)(5))
    torch.manual_seed(1)
    again = list(batches(SUM)(5))
    other = list(batches(SUM)(6))
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(once, again, strict=True))
    assert not torch.equal(once[0][1], other[0][1])


def test_training_begins_with_pictures_of_one_digit_at_most() -> None:
    for epoch in range(10):
        counts = torch.cat([totals for _, totals in batches(COUNT)(epoch)])
        assert counts.max() == (1 if epoch < 10 * SINGLES else 3)
        assert counts.min() == 0


def test_no_training_canvas_holds_more_digits_than_are_trained_on_or_a_zero_in_a_product() -> None:
    drawn = batches(PRODUCT).draw(500, (2, 3), np.random.default_rng(0))
    assert drawn.counts.max() == PRODUCT.trained
    assert 0 not in drawn.digits
    assert NOTHING in drawn.digits


@pytest.mark.parametrize("count", [0, 1, 7])
def test_test_canvases_hold_so_many_digits_each_and_are_the_same_every_time(count: int) -> None:
    digits = Digits(PICTURES, LABELS)
    drawn = canvases_of(digits, count, 5, seed=0)
    rows, columns = grid(count)
    assert drawn.pictures.shape == (5, 1, 32 * rows, 32 * columns)
    assert drawn.counts.tolist() == [count] * 5
    assert np.array_equal(drawn.pictures, canvases_of(digits, count, 5, seed=0).pictures)
