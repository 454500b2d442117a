import numpy as np
import pytest
import torch

from models.preprocessing import Pixels
from training.counting.scenes import FRAME, MARGINS, SHAPES, SINGLES, Digits, TrainingCanvases, canvases_of
from training.counting.totals import COUNT, PRODUCT, SUM, Total
from training.data.synthetic.random_placement import side_of
from training.data.synthetic.scenes import NOTHING

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


def test_cells_are_of_several_sizes_and_nothing_of_a_digit_is_cut_off() -> None:
    frame = np.zeros((1, 28, 28), np.uint8)
    frame[0, 5:25, [2, 21]] = frame[0, [5, 24], 2:22] = 200  # as large as MNIST's digits are, and off the middle
    digits, random = Digits(frame, np.array([1], np.uint8)), np.random.default_rng(0)
    drawn = [digits.draw(np.array([2]), (1, 2), (20, 28), random).pictures[0, 0] for _ in range(300)]
    assert {picture.shape[1] - picture.shape[0] for picture in drawn} == set(range(20, 29))
    margins = {2 * height - width for height, width in (picture.shape for picture in drawn)}
    assert margins == set(range(MARGINS[0], MARGINS[1] + 1))
    for picture in drawn:
        columns = picture.any(0).astype(int)
        starts, ends = np.flatnonzero(np.diff(columns, prepend=0) > 0), np.flatnonzero(np.diff(columns, append=0) < 0)
        assert len(starts) == len(ends) == 2
        assert ((ends - starts + 1 >= 15) & (ends - starts + 1 <= 22)).all()  # smoothing adds a pixel at each side
        assert starts[1] - ends[0] > 1


def test_a_sample_is_of_every_shape_and_labelled() -> None:
    sample = batches(COUNT).sample(60, np.random.default_rng(0))
    assert len(sample.pictures) == len(sample.labels) == 60
    assert {picture.shape[1] < picture.shape[2] for picture in sample.pictures} == {True, False}
    assert len({picture.shape for picture in sample.pictures}) == len(SHAPES)
    assert set(sample.labels) <= {0, 1, 2, 3}
    for picture, label in zip(sample.pictures, sample.labels, strict=True):
        assert (picture.max() > 0) == (label > 0)


def test_ink_is_in_the_middle_before_a_digit_is_varied() -> None:
    corner = np.zeros((1, 28, 28), np.uint8)
    corner[0, :4, :4] = 200
    seen = []

    def vary(pictures: np.ndarray, _: np.random.Generator) -> np.ndarray:
        seen.append(pictures)
        return pictures

    Digits(corner, np.array([1], np.uint8), vary=vary).draw(np.array([1]), (1, 1), (24, 36), np.random.default_rng(0))
    assert seen[0][0, 12:16, 12:16].min() == 200
    assert seen[0].sum() == corner.sum()


def test_digits_are_varied_in_training_alone() -> None:
    digits = Digits(PICTURES, LABELS, vary=lambda pictures, _: pictures // 2)
    assert digits.draw(np.array([4]), (2, 2), (24, 36), np.random.default_rng(0)).pictures.max() <= 127
    assert digits.scatter(4, 1, np.random.default_rng(0)).pictures.max() > 200


@pytest.mark.parametrize("count", [0, 1, 7])
def test_test_canvases_hold_so_many_digits_each_and_are_the_same_every_time(count: int) -> None:
    digits = Digits(PICTURES, LABELS)
    drawn = canvases_of(digits, count, 5, seed=0)
    side = side_of(count, FRAME)
    assert drawn.pictures.shape == (5, 1, side, side)
    assert drawn.counts.tolist() == [count] * 5
    assert np.array_equal(drawn.pictures, canvases_of(digits, count, 5, seed=0).pictures)


def test_a_row_is_the_pictures_side_by_side() -> None:
    drawn = Digits(PICTURES, LABELS).in_a_row(3, 2, np.random.default_rng(0))
    assert drawn.pictures.shape == (2, 1, 28, 84)
    for picture, digits in zip(drawn.pictures[:, 0], drawn.digits[:, 0], strict=True):
        for i, digit in enumerate(digits):
            [shown] = np.flatnonzero((picture[:, 28 * i : 28 * i + 28] == PICTURES).all((1, 2)))
            assert LABELS[shown] == digit
