"""What is computed at the same time is weighed in pixels: app.batching.limiter, and the queues that ask it."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from app.batching.batch import BATCH_PIXELS
from app.batching.limiter import Room
from app.repository.load import Model
from models.manifest import Manifest
from tests.app.batching.test_batching import Bench, scenario, turns, until
from tests.app.factory import picture_manifest
from tests.app.wire import HeldModel


class Waiting:
    """A queue that counts how often it is called."""

    def __init__(self) -> None:
        self.calls = 0

    def call_take_off(self) -> None:
        self.calls += 1


def test_no_more_batches_begin_than_there_are_threads_and_who_waits_is_called_when_one_ends() -> None:
    room, queue, other = Room(2, 100), Waiting(), Waiting()
    room.take(0)
    assert room.has(queue, 0)
    room.take(0)
    assert room.full
    assert not room.has(queue, 0)
    assert not room.has(other, 0)
    room.give_back(0)
    assert (queue.calls, other.calls, room.running) == (1, 1, 1)
    assert room.has(queue, 0)


def test_no_more_pixels_begin_than_the_limit_but_a_larger_batch_alone_does() -> None:
    room, queue = Room(9, 100), Waiting()
    room.take(60)
    assert room.has(queue, 40)
    assert room.has(queue, 0)
    assert not room.has(queue, 41)
    room.give_back(60)
    assert queue.calls == 1
    assert room.has(queue, 101)
    room.take(101)
    assert not room.has(queue, 1)
    assert room.has(queue, 0)


def test_a_large_batch_is_not_overtaken_for_ever_by_small_ones() -> None:
    room, large, small = Room(9, 100), Waiting(), Waiting()
    room.take(60)
    assert not room.has(large, 80)
    assert not room.has(small, 10)  # which would fit
    room.give_back(60)
    assert room.has(large, 80)
    room.served(large)
    room.take(80)
    assert room.has(small, 10)


def test_who_waited_for_pixels_and_needs_none_any_more_lets_the_others_go_on() -> None:
    room, large, small = Room(9, 100), Waiting(), Waiting()
    room.take(60)
    assert not room.has(large, 80)
    assert not room.has(small, 10)
    room.served(large)
    assert small.calls == 1
    assert room.has(small, 10)


def pictures_of(fake: HeldModel, *, resize: bool = False) -> Model:
    return Model(Manifest.model_validate(picture_manifest("p", "brightness", resize=resize)), fake)


def picture(side: int, value: int = 1) -> NDArray[np.float64]:
    return np.full((1, 1, side, side), value, float)


@scenario
async def test_unresized_pictures_are_computed_at_the_same_time_up_to_the_limit_and_the_rest_after_them() -> None:
    bench, fake = Bench(concurrency=8, max_concurrent_pixels=2 * 600**2), HeldModel()
    model = pictures_of(fake)
    requests = [bench.ask(model, picture(side)) for side in (597, 598, 599, 600)]
    await until(lambda: len(fake.batches) == 2)
    await turns()
    assert len(fake.batches) == 2
    assert bench.batching.room.pixels == 597**2 + 598**2
    fake.release.set()
    assert [(await request).item() for request in requests] == [side**2 for side in (597, 598, 599, 600)]
    assert (bench.batching.room.pixels, bench.counters()) == (0, (0, 0, 0, 0))


@scenario
async def test_a_picture_over_the_limit_is_computed_alone() -> None:
    bench, fake = Bench(concurrency=8, max_concurrent_pixels=100), HeldModel()
    model = pictures_of(fake)
    requests = [bench.ask(model, picture(side)) for side in (30, 31, 9)]
    await until(fake.entered.is_set)
    await turns()
    assert len(fake.batches) == 1
    fake.release.set()
    assert [(await request).item() for request in requests] == [900, 961, 81]
    assert [batch.shape[-1] for batch in fake.batches] == [30, 31, 9]


@scenario
async def test_pictures_that_are_resized_and_rows_are_not_weighed() -> None:
    bench, fake = Bench(concurrency=4, max_concurrent_pixels=1), HeldModel()
    model = pictures_of(fake, resize=True)
    requests = [bench.ask(model, picture(side)) for side in (20, 21, 22)]
    await until(lambda: len(fake.batches) == 3)
    assert bench.batching.room.pixels == 0
    fake.release.set()
    await asyncio.gather(*requests)


@scenario
async def test_pictures_of_several_requests_are_one_batch_up_to_its_pixels() -> None:
    side = 300
    many = BATCH_PIXELS // side**2
    for resize in (True, False):
        bench, fake = Bench(), HeldModel()
        model = pictures_of(fake, resize=resize)
        first = bench.ask(model, picture(side))
        await until(fake.entered.is_set)
        requests = [bench.ask(model, picture(side, value)) for value in range(many + 1)]
        await turns()
        fake.release.set()
        assert (await first).item() == side**2
        assert [(await request).item() for request in requests] == [value * side**2 for value in range(many + 1)]
        assert sorted(fake.sizes) == [1, 1, many]


@scenario
async def test_a_picture_larger_than_a_batch_is_a_batch() -> None:
    bench, fake = Bench(), HeldModel(held=False)
    side = 1100
    assert side**2 > BATCH_PIXELS
    requests = [bench.ask(pictures_of(fake), picture(side)) for _ in range(3)]
    assert [(await request).item() for request in requests] == [side**2] * 3
    assert fake.sizes == [1, 1, 1]


@scenario
async def test_whatever_the_sizes_every_picture_is_answered() -> None:
    random = np.random.default_rng(0)
    bench, fake = Bench(concurrency=3, max_concurrent_pixels=2000), HeldModel(held=False)
    model = pictures_of(fake)
    sides = [int(side) for side in random.integers(1, 60, 200)]
    requests = []
    for side in sides:
        requests.append(bench.ask(model, picture(side)))
        await turns(int(random.integers(0, 3)))
    assert [(await request).item() for request in requests] == [side**2 for side in sides]
    assert (bench.batching.room.pixels, bench.counters()) == (0, (0, 0, 0, 0))
