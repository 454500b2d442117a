"""Requests of several tensors are batched with those whose rows have equal shapes, and each gets its own rows."""

import asyncio
import threading
from typing import Any

import numpy as np

from app.backends.tensors import TensorTuple, values_of_row
from app.batching.batch import BATCH_PIXELS, batch_limits
from app.repository.load import LoadedModel
from app.settings import Settings
from models.manifest import Manifest
from tests.app.batching.harness import FakeRequest, Harness, scenario
from tests.app.factory import LIMIT_SECONDS
from tests.app.imported import tensors_manifest


class Recorder:
    """Returns both tensors doubled, and records the shapes of each batch; the first is held until it is released."""

    def __init__(self) -> None:
        self.shapes: list[Any] = []
        self.release = threading.Event()

    def __call__(self, inputs: TensorTuple) -> TensorTuple:
        self.shapes.append(inputs.shape)
        assert self.release.wait(LIMIT_SECONDS)
        return TensorTuple([array * 2 for array in inputs.arrays])


def rows(count: int, width: int, value: float) -> TensorTuple:
    return TensorTuple([np.full((count, width), value), np.full((count, 3, 2), -value)])


@scenario
async def test_only_requests_whose_rows_have_equal_shapes_are_computed_together() -> None:
    harness, fake = Harness(concurrency=1), Recorder()
    model = LoadedModel(Manifest.model_validate(tensors_manifest()), fake)
    given = [rows(1, 2, 1.0), rows(2, 2, 2.0), rows(1, 5, 3.0), rows(3, 2, 4.0)]
    requests = [asyncio.ensure_future(harness.scheduler.predict(model, each, FakeRequest())) for each in given]
    await asyncio.sleep(0.01)
    fake.release.set()
    for tensors, request in zip(given, requests, strict=True):
        found = await request
        assert found.shape == tensors.shape
        for expected, array in zip(tensors.arrays, found.arrays, strict=True):
            np.testing.assert_array_equal(array, expected * 2)
    assert sorted(fake.shapes) == [(1, (5,), (3, 2)), (6, (2,), (3, 2))]
    assert harness.counters() == (0, 0, 0, 0)


def test_a_batch_has_at_most_as_many_values_as_one_of_images_has_pixels() -> None:
    model = LoadedModel(Manifest.model_validate(tensors_manifest()), lambda tensors: tensors)
    assert values_of_row(((2,), (3, 2))) == values_of_row((2, 4)) == 8
    assert values_of_row(()) == 1
    assert batch_limits(model, ((2,), (3, 2)), Settings()) == (1024, 8)
    assert batch_limits(model, (3, 224, 224), Settings()) == (BATCH_PIXELS // (3 * 224 * 224), 3 * 224 * 224)
    assert batch_limits(model, (BATCH_PIXELS + 1,), Settings()) == (1, BATCH_PIXELS + 1)
