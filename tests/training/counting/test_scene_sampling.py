import numpy as np
import pytest
import torch

from models.preprocessing import ImagePreprocessing
from training.counting.aggregate_target import COUNT, PRODUCT, SUM, AggregateTarget
from training.counting.scene_sampling import (
    FRAME,
    GRIDS,
    MARGINS,
    SINGLE_DIGIT_SHARE,
    Digits,
    TrainingScenes,
    draw_test_scenes,
)
from training.data.synthetic.random_placement import scene_side
from training.data.synthetic.scenes import EMPTY

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
LABELS = np.tile(np.arange(10, dtype=np.uint8), 4)


def batches(target: AggregateTarget, epochs: int = 10) -> TrainingScenes:
    digits = Digits(IMAGES, LABELS, target.lowest_digit)
    preprocessing = ImagePreprocessing(None, None, contrast="strokes")
    return TrainingScenes(target, digits, preprocessing, epochs=epochs, steps=12, batch_size=8, seed=3)


def test_an_epochs_scenes_follow_from_its_number_alone() -> None:
    torch.manual_seed(0)
    once = list(batches(SUM)(5))
    torch.manual_seed(1)
    again = list(batches(SUM)(5))
    other = list(batches(SUM)(6))
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(once, again, strict=True))
    assert not torch.equal(once[0][1], other[0][1])


def test_training_begins_with_images_of_one_digit_at_most() -> None:
    for epoch in range(10):
        counts = torch.cat([labels for _, labels in batches(COUNT)(epoch)])
        assert counts.max() == (1 if epoch < 10 * SINGLE_DIGIT_SHARE else 3)
        assert counts.min() == 0


def test_no_training_scene_holds_more_digits_than_are_trained_on_or_a_zero_in_a_product() -> None:
    drawn = batches(PRODUCT).draw(500, (2, 3), np.random.default_rng(0))
    assert drawn.counts.max() == PRODUCT.max_train_count
    assert 0 not in drawn.digits
    assert EMPTY in drawn.digits


def test_cells_are_of_several_sizes_and_nothing_of_a_digit_is_cut_off() -> None:
    frame = np.zeros((1, 28, 28), np.uint8)
    frame[0, 5:25, [2, 21]] = frame[0, [5, 24], 2:22] = 200  # as large as MNIST's digits are, and off the middle
    digits, random = Digits(frame, np.array([1], np.uint8)), np.random.default_rng(0)
    drawn = [digits.draw(np.array([2]), (1, 2), (20, 28), random).images[0, 0] for _ in range(300)]
    assert {image.shape[1] - image.shape[0] for image in drawn} == set(range(20, 29))
    margins = {2 * height - width for height, width in (image.shape for image in drawn)}
    assert margins == set(range(MARGINS[0], MARGINS[1] + 1))
    for image in drawn:
        columns = image.any(0).astype(int)
        starts, ends = np.flatnonzero(np.diff(columns, prepend=0) > 0), np.flatnonzero(np.diff(columns, append=0) < 0)
        assert len(starts) == len(ends) == 2
        assert ((ends - starts + 1 >= 15) & (ends - starts + 1 <= 22)).all()  # smoothing adds a pixel at each side
        assert starts[1] - ends[0] > 1


def test_a_sample_is_of_every_grid_and_labelled() -> None:
    sample = batches(COUNT).sample(60, np.random.default_rng(0))
    assert len(sample.images) == len(sample.labels) == 60
    assert {image.shape[1] < image.shape[2] for image in sample.images} == {True, False}
    assert len({image.shape for image in sample.images}) == len(GRIDS)
    assert set(sample.labels) <= {0, 1, 2, 3}
    for image, label in zip(sample.images, sample.labels, strict=True):
        assert (image.max() > 0) == (label > 0)


def test_ink_is_in_the_middle_before_a_digit_is_augmented() -> None:
    corner = np.zeros((1, 28, 28), np.uint8)
    corner[0, :4, :4] = 200
    seen = []

    def augment(images: np.ndarray, _: np.random.Generator) -> np.ndarray:
        seen.append(images)
        return images

    Digits(corner, np.array([1], np.uint8), augment=augment).draw(
        np.array([1]), (1, 1), (24, 36), np.random.default_rng(0)
    )
    assert seen[0][0, 12:16, 12:16].min() == 200
    assert seen[0].sum() == corner.sum()


def test_digits_are_augmented_in_training_alone() -> None:
    digits = Digits(IMAGES, LABELS, augment=lambda images, _: images // 2)
    assert digits.draw(np.array([4]), (2, 2), (24, 36), np.random.default_rng(0)).images.max() <= 127
    assert digits.place_randomly(4, 1, np.random.default_rng(0)).images.max() > 200


@pytest.mark.parametrize("count", [0, 1, 7])
def test_test_scenes_hold_so_many_digits_each_and_are_the_same_every_time(count: int) -> None:
    digits = Digits(IMAGES, LABELS)
    drawn = draw_test_scenes(digits, count, 5, seed=0)
    side = scene_side(count, FRAME)
    assert drawn.images.shape == (5, 1, side, side)
    assert drawn.counts.tolist() == [count] * 5
    assert np.array_equal(drawn.images, draw_test_scenes(digits, count, 5, seed=0).images)


def test_a_row_is_the_images_side_by_side() -> None:
    drawn = Digits(IMAGES, LABELS).place_in_a_row(3, 2, np.random.default_rng(0))
    assert drawn.images.shape == (2, 1, 28, 84)
    for image, digits in zip(drawn.images[:, 0], drawn.digits[:, 0], strict=True):
        for i, digit in enumerate(digits):
            [shown] = np.flatnonzero((image[:, 28 * i : 28 * i + 28] == IMAGES).all((1, 2)))
            assert LABELS[shown] == digit
