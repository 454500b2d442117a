import numpy as np
import pytest

from training.data.arena import Arena


def test_arrays_of_any_size_are_copied_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.arena.BLOCK_BYTES", 100)
    random, arena = np.random.default_rng(0), Arena()
    arrays = [random.integers(0, 256, (3, i % 9, i % 7), dtype=np.uint8) for i in range(60)]
    kept = [arena.copy(array.copy()) for array in arrays]
    for array, copy in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(array, copy)
    kept[5][...] = 0
    np.testing.assert_array_equal(kept[6], arrays[6])
