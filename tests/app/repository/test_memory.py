"""Models that are no longer served are freed: objects, sessions and their memory."""

import gc
import os
import shutil
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from app.backends import create_backend
from app.repository.repository import Repository
from tests.app.factory import arithmetic_graph, manifest_of, onnx_bytes, write_sum, write_version

STATM = Path("/proc/self/statm")
MEBIBYTE = 2**20


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path, create_backend("onnx", "cpu", 1))


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def unload(repository: Repository) -> None:
    repository.unload("sum")


def remove(repository: Repository) -> None:
    shutil.rmtree(repository.root / "sum")
    repository.refresh()


def replace(repository: Repository) -> None:
    write_sum(repository.root, weight=2.0)
    repository.refresh()


@pytest.mark.parametrize("end", [unload, remove, replace])
def test_a_model_that_is_no_longer_served_is_freed_at_once_without_the_garbage_collector(
    repository: Repository, end: Callable[[Repository], None], no_collector: None
) -> None:
    write_sum(repository.root)
    repository.refresh()
    model = repository.get("sum")
    references = [weakref.ref(model), weakref.ref(model.predict)]
    del model
    end(repository)
    assert [reference() for reference in references] == [None, None]


@pytest.mark.parametrize("end", [unload, remove, replace])
def test_a_request_in_flight_keeps_its_model_to_the_end(
    repository: Repository, end: Callable[[Repository], None]
) -> None:
    write_sum(repository.root)
    repository.refresh()
    model = repository.get("sum")
    end(repository)
    gc.collect()
    assert model.predict(np.array([[1.0, 2.0]])).tolist() == [[3.0]]


def resident_bytes() -> int:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def table_onnx(size: int) -> bytes:
    """A lookup table of the given bytes, indexed by the input's first column."""
    table = numpy_helper.from_array(np.ones((size // 8, 1)), "table")
    column = helper.make_tensor("column", TensorProto.INT64, [], [0])
    nodes = [
        helper.make_node("Gather", ["input", "column"], ["first"], axis=1),
        helper.make_node("Cast", ["first"], ["row"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "row"], ["output"], axis=0),
    ]
    return onnx_bytes(arithmetic_graph(nodes, [table, column]))


@pytest.mark.slow
@pytest.mark.skipif(not STATM.exists(), reason="reads memory from /proc")
def test_memory_does_not_grow_over_ten_loads_and_unloads_of_fifty_mebibytes(
    repository: Repository, no_collector: None
) -> None:
    write_version(repository.root, table_onnx(50 * MEBIBYTE), manifest_of("sum", 1))
    sizes = []
    for _ in range(10):
        repository.load("sum")
        repository.unload("sum")
        sizes.append(resident_bytes())
    assert max(sizes[2:]) - sizes[1] < 25 * MEBIBYTE, [size // MEBIBYTE for size in sizes]
