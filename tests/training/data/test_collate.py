import numpy as np
import pytest
import torch

from models.preprocessing import ImagePreprocessing
from training.data.collate import areas_of, batch_size_for, bucket_by_shape, collate, random_batches, steps_per_epoch
from training.data.prefetch import prefetch_map

RANDOM = np.random.default_rng(0)


def noise(*sizes: tuple[int, int], channels: int = 1) -> list[np.ndarray]:
    return [RANDOM.integers(0, 256, (channels, *size), dtype=np.uint8) for size in sizes]


def test_images_of_any_sizes_are_resized_as_the_network_would_and_stay_in_order() -> None:
    images = noise((10, 12), (20, 20), (20, 20), (10, 12), (28, 28), channels=3)
    preprocessing = ImagePreprocessing(28, 28)
    together = collate(images, [3, 1, 2, 0, 4], preprocessing)
    alone = torch.cat([preprocessing.resize(torch.from_numpy(images[i])[None]) for i in (3, 1, 2, 0, 4)])
    torch.testing.assert_close(together, alone)


def test_an_image_that_has_the_size_already_is_only_scaled() -> None:
    images = noise((28, 28), (28, 28))
    exact = torch.from_numpy(np.stack(images)).float() / 255
    assert torch.equal(collate(images, [0, 1], ImagePreprocessing(28, 28)), exact)
    torch.testing.assert_close(ImagePreprocessing(28, 28).resize(torch.from_numpy(np.stack(images))), exact)


def test_images_that_keep_their_size_are_padded_with_their_own_background() -> None:
    images = noise((10, 12), (14, 9), channels=3)
    for image, ground in zip(images, (40, 200), strict=True):
        for rows in (slice(2), slice(-2, None)):
            image[:, rows, :2] = image[:, rows, -2:] = ground
    offsets = torch.tensor([[0.0, 0.99], [0.5, 0.999]])
    batch = collate(images, [0, 1], ImagePreprocessing(None, None), offsets)
    assert batch.shape == (2, 3, 14, 12)
    np.testing.assert_allclose(batch[0, :, :10].numpy(), images[0] / 255, rtol=1e-6)
    np.testing.assert_allclose(batch[0, :, 10:].numpy(), 40 / 255, rtol=1e-5)
    np.testing.assert_allclose(batch[1, :, :, 3:].numpy(), images[1] / 255, rtol=1e-6)
    np.testing.assert_allclose(batch[1, :, :, :3].numpy(), 200 / 255, rtol=1e-5)


def test_images_of_one_own_size_are_not_padded() -> None:
    images = noise((9, 13), (9, 13))
    assert torch.equal(
        collate(images, [1, 0], ImagePreprocessing(None, None), torch.rand(2, 2)),
        torch.from_numpy(np.stack(images[::-1])).float() / 255,
    )


def test_an_epoch_has_every_image_once_and_another_order_each_time() -> None:
    for images, size in ((30, 8), (33, 8), (1, 8), (7, 8), (300, 8)):
        for areas in (None, torch.randint(1, 4, (images,))):
            batches = random_batches(areas, images, size)
            assert len(batches) == steps_per_epoch(images, size)
            seen = torch.cat(batches).tolist()
            assert len(set(seen)) == len(seen) == images - (images == 33)
            assert images < 7 or not torch.equal(torch.cat(random_batches(areas, images, size)), torch.cat(batches))


def test_few_large_images_do_not_make_every_batch_large() -> None:
    areas = areas_of(noise(*[(300, 300) if i % 10 == 0 else (100, 100) for i in range(400)]))
    largest = torch.tensor([areas[batch].max() * len(batch) for batch in random_batches(areas, len(areas), 32)])
    assert largest.sum() < 2.2 * areas.sum()  # 18,000 pixels an image; mixed at random, 5 times
    means = [areas[batch].float().mean().item() for batch in random_batches(areas, len(areas), 32)]
    assert means != sorted(means)  # the large ones come at any time


def test_batches_of_large_images_are_smaller() -> None:
    images = noise((1000, 10), (10, 1000))
    assert batch_size_for(images, ImagePreprocessing(None, None), 32) == 2
    assert batch_size_for(images, ImagePreprocessing(28, 28), 32) == 32
    assert batch_size_for(noise((2000, 2000)), ImagePreprocessing(None, None), 32) == 1
    assert batch_size_for(noise((20, 20)), ImagePreprocessing(None, None), 32) == 32


def test_neighbours_of_one_size_go_together_and_each_image_goes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.collate.BATCH_PIXELS", 300)
    images = noise((10, 10), (10, 10), (10, 10), (10, 10), (5, 5), (5, 5), (5, 5), (20, 20))
    groups = list(bucket_by_shape(images, 2))
    assert [index for index, _ in groups] == [[0, 1], [2, 3], [4, 5], [6], [7]]
    assert [index for index, _ in bucket_by_shape(images, 9)] == [[0, 1, 2], [3], [4, 5, 6], [7]]
    for index, group in groups:
        np.testing.assert_array_equal(group, np.stack([images[i] for i in index]))


def test_work_done_ahead_comes_in_order_and_its_errors_too() -> None:
    assert list(prefetch_map(lambda x: x * x, range(100))) == [x * x for x in range(100)]
    results = prefetch_map(lambda x: 1 / x, [2, 1, 0, 4])
    assert [next(results), next(results)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_no_more_is_done_ahead_than_is_kept_waiting() -> None:
    taken: list[int] = []

    def items() -> object:
        for i in range(100):
            taken.append(i)
            yield i

    results = prefetch_map(lambda x: x, items(), waiting=3)
    assert next(results) == 0
    assert len(taken) == 4
    results.close()
