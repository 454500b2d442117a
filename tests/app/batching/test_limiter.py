"""Concurrent batches are limited by number and by pixels: app.batching.limiter, and the batchers that ask it."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from app.batching.batch import BATCH_PIXELS
from app.batching.limiter import ConcurrencyLimiter
from app.repository.load import LoadedModel
from models.manifest import Manifest
from tests.app.batching.harness import Harness, scenario, turns, until
from tests.app.factory import image_manifest
from tests.app.raw_http import HeldModel


class Waiting:
    """A batcher that counts how often it is woken."""

    def __init__(self) -> None:
        self.calls = 0

    def schedule_dispatch(self) -> None:
        self.calls += 1


def starts(limiter: ConcurrencyLimiter, batcher: Waiting, pixels: int) -> bool:
    """Whether a batch can start; if not, its batcher waits."""
    if limiter.can_start(batcher, pixels):
        return True
    limiter.wait(batcher, pixels)
    return False


def test_no_more_batches_start_than_there_are_threads_and_waiters_are_woken_when_one_ends() -> None:
    limiter, batcher, other = ConcurrencyLimiter(2, 100), Waiting(), Waiting()
    limiter.acquire(0)
    assert starts(limiter, batcher, 0)
    limiter.acquire(0)
    assert limiter.full
    assert not starts(limiter, batcher, 0)
    assert not starts(limiter, other, 0)
    limiter.release(0)
    assert (batcher.calls, other.calls, limiter.running) == (1, 1, 1)
    assert starts(limiter, batcher, 0)


def test_no_more_pixels_start_than_the_limit_but_a_larger_batch_alone_does() -> None:
    limiter, batcher = ConcurrencyLimiter(9, 100), Waiting()
    limiter.acquire(60)
    assert starts(limiter, batcher, 40)
    assert starts(limiter, batcher, 0)
    assert not starts(limiter, batcher, 41)
    limiter.release(60)
    assert batcher.calls == 1
    assert starts(limiter, batcher, 101)
    limiter.acquire(101)
    assert not starts(limiter, batcher, 1)
    assert starts(limiter, batcher, 0)


def test_a_large_batch_is_not_overtaken_for_ever_by_small_ones() -> None:
    limiter, large, small = ConcurrencyLimiter(9, 100), Waiting(), Waiting()
    limiter.acquire(60)
    assert not starts(limiter, large, 80)
    assert not starts(limiter, small, 10)  # which would fit
    limiter.release(60)
    assert starts(limiter, large, 80)
    limiter.stop_waiting(large)
    limiter.acquire(80)
    assert starts(limiter, small, 10)


def test_a_batcher_that_waited_for_pixels_and_needs_none_any_more_lets_the_others_go_on() -> None:
    limiter, large, small = ConcurrencyLimiter(9, 100), Waiting(), Waiting()
    limiter.acquire(60)
    assert not starts(limiter, large, 80)
    assert not starts(limiter, small, 10)
    limiter.stop_waiting(large)
    assert small.calls == 1
    assert starts(limiter, small, 10)


def test_asking_whether_a_batch_can_start_changes_nothing() -> None:
    limiter, large, small = ConcurrencyLimiter(9, 100), Waiting(), Waiting()
    limiter.acquire(60)
    before = {**vars(limiter), "waiters": {}}
    assert not limiter.can_start(large, 80)
    assert vars(limiter) == before
    assert limiter.can_start(small, 10)
    limiter.release(60)
    assert large.calls == 0


def image_model_of(fake: HeldModel, *, resize: bool = False) -> LoadedModel:
    return LoadedModel(Manifest.model_validate(image_manifest("p", "brightness", resize=resize)), fake)


def image(side: int, value: int = 1) -> NDArray[np.float64]:
    return np.full((1, 1, side, side), value, float)


@scenario
async def test_unresized_images_are_computed_at_the_same_time_up_to_the_limit_and_the_rest_after_them() -> None:
    harness, fake = Harness(concurrency=8, max_concurrent_pixels=2 * 600**2), HeldModel()
    model = image_model_of(fake)
    requests = [harness.request(model, image(side)) for side in (597, 598, 599, 600)]
    await until(lambda: len(fake.batches) == 2)
    await turns()
    assert len(fake.batches) == 2
    assert harness.scheduler.limiter.pixels == 597**2 + 598**2
    fake.release.set()
    assert [(await request).item() for request in requests] == [side**2 for side in (597, 598, 599, 600)]
    assert (harness.scheduler.limiter.pixels, harness.counters()) == (0, (0, 0, 0, 0))


@scenario
async def test_an_image_over_the_limit_is_computed_alone() -> None:
    harness, fake = Harness(concurrency=8, max_concurrent_pixels=100), HeldModel()
    model = image_model_of(fake)
    requests = [harness.request(model, image(side)) for side in (30, 31, 9)]
    await until(fake.entered.is_set)
    await turns()
    assert len(fake.batches) == 1
    fake.release.set()
    assert [(await request).item() for request in requests] == [900, 961, 81]
    assert [batch.shape[-1] for batch in fake.batches] == [30, 31, 9]


@scenario
async def test_images_that_are_resized_and_rows_are_not_weighed() -> None:
    harness, fake = Harness(concurrency=4, max_concurrent_pixels=1), HeldModel()
    model = image_model_of(fake, resize=True)
    requests = [harness.request(model, image(side)) for side in (20, 21, 22)]
    await until(lambda: len(fake.batches) == 3)
    assert harness.scheduler.limiter.pixels == 0
    fake.release.set()
    await asyncio.gather(*requests)


@scenario
async def test_images_of_several_requests_are_one_batch_up_to_its_pixels() -> None:
    side = 300
    many = BATCH_PIXELS // side**2
    for resize in (True, False):
        harness, fake = Harness(), HeldModel()
        model = image_model_of(fake, resize=resize)
        first = harness.request(model, image(side))
        await until(fake.entered.is_set)
        requests = [harness.request(model, image(side, value)) for value in range(many + 1)]
        await turns()
        fake.release.set()
        assert (await first).item() == side**2
        assert [(await request).item() for request in requests] == [value * side**2 for value in range(many + 1)]
        assert sorted(fake.sizes) == [1, 1, many]


@scenario
async def test_an_image_larger_than_a_batch_is_a_batch() -> None:
    harness, fake = Harness(), HeldModel(held=False)
    side = 1100
    assert side**2 > BATCH_PIXELS
    requests = [harness.request(image_model_of(fake), image(side)) for _ in range(3)]
    assert [(await request).item() for request in requests] == [side**2] * 3
    assert fake.sizes == [1, 1, 1]


@scenario
async def test_whatever_the_sizes_every_image_is_answered() -> None:
    random = np.random.default_rng(0)
    harness, fake = Harness(concurrency=3, max_concurrent_pixels=2000), HeldModel(held=False)
    model = image_model_of(fake)
    sides = [int(side) for side in random.integers(1, 60, 200)]
    requests = []
    for side in sides:
        requests.append(harness.request(model, image(side)))
        await turns(int(random.integers(0, 3)))
    assert [(await request).item() for request in requests] == [side**2 for side in sides]
    assert (harness.scheduler.limiter.pixels, harness.counters()) == (0, (0, 0, 0, 0))
