"""Scenes of several digits: every label is right, no digit is cut or covered, and more digits are only more."""

import math

import numpy as np
import pytest
from PIL import Image

from training.data.synthetic.scenes import EMPTY, Scenes, draw_scenes

SIDE = 28
CELL = 32


def flat_digits() -> tuple[np.ndarray, np.ndarray]:
    """Ten digits that are easy to recognise: squares, digit d filled evenly with 20 (d + 1)."""
    images = np.repeat(20 * np.arange(1, 11, dtype=np.uint8), SIDE * SIDE).reshape(10, SIDE, SIDE)
    return images, np.arange(10)


def drawn(counts: list[int], shape: tuple[int, int], seed: int = 0, **options: object) -> Scenes:
    random = np.random.default_rng(seed)
    return draw_scenes(*flat_digits(), np.array(counts), shape, random, cell=CELL, **options)  # type: ignore[arg-type]


def rectangles(image: np.ndarray) -> list[tuple[int, int, int, int, int]]:
    """Top, left, height, width and value of every even rectangle of an image, found by walking over its pixels.

    Rectangles end at the borders of cells: a digit across one would be found as two.
    """
    left, found = image.copy(), []
    for top, start in np.argwhere(image):
        value = left[top, start]
        if value:
            width = run(left[top, start : (start // CELL + 1) * CELL], value)
            height = run(left[top : (top // CELL + 1) * CELL, start], value)
            assert (left[top : top + height, start : start + width] == value).all()
            left[top : top + height, start : start + width] = 0
            found.append((int(top), int(start), height, width, int(value)))
    return found


def run(line: np.ndarray, value: int) -> int:
    """How many pixels from the first on have that value."""
    return next((i for i, other in enumerate(line) if other != value), len(line))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("counts", "shape"), [([0, 1, 2, 3, 6], (2, 3)), ([20], (6, 7)), ([20], (4, 5)), ([1], (1, 1))]
)
def test_every_digit_is_there_whole_once_and_in_its_cell(counts: list[int], shape: tuple[int, int]) -> None:
    scenes = drawn(counts * 20, shape)
    assert scenes.images.shape == (20 * len(counts), 1, shape[0] * CELL, shape[1] * CELL)
    assert scenes.images.dtype == np.uint8
    for count, image, digits in zip(counts * 20, scenes.images[:, 0], scenes.digits, strict=True):
        found = rectangles(image)
        seen = {(top // CELL, left // CELL): value // 20 - 1 for top, left, _, _, value in found}
        assert seen == {(int(r), int(c)): int(digits[r, c]) for r, c in np.argwhere(digits != EMPTY)}
        assert len(found) == len(seen) == count
        for top, left, height, width, _ in found:
            assert height == width
            assert 20 <= width <= 28
            assert top % CELL + height <= CELL
            assert left % CELL + width <= CELL


def test_counts_sums_and_products_are_those_of_the_digits() -> None:
    scenes = Scenes(
        np.zeros((3, 1, 64, 64), np.uint8), np.array([[[3, -1], [7, 2]], [[-1, -1], [-1, -1]], [[0, 9], [-1, -1]]])
    )
    assert scenes.counts.tolist() == [3, 0, 2]
    assert scenes.sums.tolist() == [12, 0, 9]
    assert scenes.products.tolist() == [42, 1, 0]


def test_the_product_of_twenty_nines_does_not_overflow() -> None:
    scenes = Scenes(np.zeros((1, 1, 128, 160), np.uint8), np.full((1, 4, 5), 9))
    assert scenes.products[0] == pytest.approx(9**20, rel=1e-12)


def test_a_digit_is_resized_as_pillow_does() -> None:
    image = np.random.default_rng(1).integers(0, 256, (1, SIDE, SIDE), np.uint8)
    for size in (20, 24, 28):
        scale = (size / SIDE, size / SIDE)
        scene = draw_scenes(
            image, np.array([4]), np.array([1]), (1, 1), np.random.default_rng(size), cell=CELL, scale=scale
        ).images[0, 0]
        rows, columns = np.flatnonzero(scene.any(1)), np.flatnonzero(scene.any(0))
        ink = scene[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(int)
        wanted = np.asarray(Image.fromarray(image[0]).resize((size, size), Image.Resampling.BILINEAR), int)
        assert abs(ink - wanted).max() <= 1  # Pillow rounds twice


def test_all_ink_is_kept() -> None:
    strokes = np.zeros((1, SIDE, SIDE), np.uint8)
    strokes[0, [0, -1], :] = strokes[0, :, [0, -1]] = 200  # a frame: what cutting at any side would lessen
    random = np.random.default_rng(0)
    scenes = draw_scenes(strokes, np.array([0]), np.full(200, 6), (2, 3), random, cell=CELL, scale=(1, 1))
    assert (scenes.images.sum((1, 2, 3), dtype=np.int64) == 6 * int(strokes.sum(dtype=np.int64))).all()


def test_the_cells_of_a_scene_move_together_by_any_number_of_pixels() -> None:
    frame = np.full((1, SIDE, SIDE), 200, np.uint8)
    scenes = draw_scenes(
        frame, np.array([1]), np.full(600, 2), (1, 2), np.random.default_rng(0), scale=(1, 1), cell=SIDE, shift=7
    )
    assert scenes.images.shape == (600, 1, SIDE + 7, 2 * SIDE + 7)
    corners = [tuple(np.argwhere(image)[0]) for image in scenes.images[:, 0]]
    for image, (down, right) in zip(scenes.images[:, 0], corners, strict=True):
        assert (image[down : down + SIDE, right : right + 2 * SIDE] == 200).all()
    assert set(corners) == {(down, right) for down in range(8) for right in range(8)}


def test_the_same_seed_draws_the_same_scenes_and_another_others() -> None:
    first, again, other = (drawn([1, 2, 3] * 400, (2, 3), seed, shift=5) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.digits, again.digits)
    assert (first.images != other.images).any()


@pytest.mark.slow
def test_sizes_are_alike_however_many_digits_there_are() -> None:
    sizes = {}
    for count, shape in ((1, (1, 2)), (3, (2, 3)), (20, (6, 7))):
        scenes = drawn([count] * (600 // count), shape, seed=count)
        sizes[count] = [width for image in scenes.images[:, 0] for *_, width, _ in rectangles(image)]
    for found in sizes.values():
        assert set(found) == set(range(20, 29))
        assert np.mean(found) == pytest.approx(24, abs=4 * math.sqrt(60 / 9) / math.sqrt(600))
        assert np.std(found) == pytest.approx(math.sqrt(60 / 9), rel=0.15)


def test_digits_and_cells_are_drawn_evenly() -> None:
    digits = drawn([2] * 6000, (2, 3)).digits
    shares = (digits != EMPTY).mean(0)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.03)
    np.testing.assert_allclose(np.bincount(digits[digits != EMPTY]) / 12000, 0.1, atol=0.015)


def test_digits_are_augmented_before_they_are_placed() -> None:
    def halved(digits: np.ndarray, _: np.random.Generator) -> np.ndarray:
        return digits[:, ::2, ::2] // 2

    scenes = drawn([2] * 50, (1, 2), scale=(1, 1), augment=halved)
    for image, digits in zip(scenes.images[:, 0], scenes.digits, strict=True):
        assert sorted(value // 10 - 1 for *_, value in rectangles(image)) == sorted(digits[0])
        assert {(height, width) for _, _, height, width, _ in rectangles(image)} == {(14, 14)}


def test_smaller_images_fit_smaller_cells() -> None:
    digits = np.full((1, 8, 8), 255, np.uint8)
    scenes = draw_scenes(digits, np.array([1]), np.array([2, 1]), (1, 2), np.random.default_rng(0), cell=10)
    assert scenes.images.shape == (2, 1, 10, 20)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"counts": np.array([1, 7])}, r"counts must be numbers of 0 to 6, the cells of \(2, 3\), got \[1 7\]\.$"),
        ({"counts": np.array([-1])}, r"counts must be numbers of 0 to 6"),
        ({"counts": np.array([], int)}, r"counts must be numbers of 0 to 6"),
        ({"labels": np.arange(9)}, r"labels must be 10 numbers of 0 or more, one an image, got \[0 1 2"),
        ({"labels": np.arange(10) - 1}, r"labels must be 10 numbers of 0 or more"),
        (
            {"digits": np.zeros((10, 28, 20), np.uint8)},
            r"digits must be uint8 of \(any, side, side\), got uint8 of \(10",
        ),
        ({"digits": np.zeros((10, 28, 28))}, r"got float64 of \(10, 28, 28\)\.$"),
        ({"scale": (0.9, 0.7)}, r"scale must rise and make 28 pixels 1 to 32, the cell's, got \(0\.9, 0\.7\)\.$"),
        ({"scale": (0.7, 1.3)}, r"scale must rise and make 28 pixels 1 to 32"),
    ],
)
def test_what_cannot_be_drawn_is_named(changes: dict[str, object], message: str) -> None:
    digits, labels = flat_digits()
    given = {"digits": digits, "labels": labels, "counts": np.array([1]), "grid": (2, 3), "cell": CELL} | changes
    with pytest.raises(ValueError, match=message):
        draw_scenes(random=np.random.default_rng(0), **given)  # type: ignore[arg-type]
