"""Rows outside the training range: their distance against plain Python, and what is counted at every door."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from app.observability.extrapolation import MAX_DISTANCE, extrapolation_distances
from app.observability.metrics import STALE_SECONDS
from tests.app.factory import TestClient, manifest_of, running, write_sum, write_uncertain
from tests.app.observability.test_metrics import read, value

RANGES = ((1.0, 2.0), (-5.0, 5.0))
"""Of the models that these tests serve."""


def distance(row: list[float], ranges: tuple[tuple[float, float], ...]) -> float:
    """By the definition, one column after the other; negative inside."""
    return max(max(low - x, x - high) / (high - low) for x, (low, high) in zip(row, ranges, strict=True))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([1, 0], None),
        ([2, 5], None),  # the edge is inside
        ([2.25, 0], 0.25),
        ([0, 0], 1),
        ([1.5, 25], 2),
        ([1.5, -6], 0.1),
        ([4, 25], 2),  # as far outside in both columns
        ([0.5, -105], 10),  # the farthest column counts
    ],
)
def test_a_distance_is_in_widths_of_the_range_of_the_farthest_column(row: list[float], expected: float | None) -> None:
    found = extrapolation_distances(np.array([row], dtype=np.float64), RANGES)
    assert found.tolist() == pytest.approx([] if expected is None else [expected])


def test_of_many_rows_those_outside_have_the_distance_that_each_has_alone() -> None:
    random = np.random.default_rng(0)
    rows = random.uniform(-20, 20, (500, 2))
    expected = [far for row in rows.tolist() if (far := distance(row, RANGES)) > 0]
    assert 0 < len(expected) < 500
    assert extrapolation_distances(rows, RANGES).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ranges", "row", "expected"),
    [
        (((4.0, 4.0),), [5.0], 0.25),  # a constant column: in shares of its value
        (((-4.0, -4.0),), [-2.0], 0.5),
        (((0.0, 0.0),), [3.0], 3),
        (((1.0, 1.0 + 1e-9),), [1e300], MAX_DISTANCE),
        (((-1.7e308, 1.7e308),), [1.79e308], 0),  # a range whose width is no float64
        (((-1e308, -1e307),), [1.7e308], 3),
    ],
)
def test_constant_columns_and_the_ends_of_float64_have_finite_distances(
    ranges: tuple[tuple[float, float], ...], row: list[float], expected: float
) -> None:
    [found] = extrapolation_distances(np.array([row]), ranges).tolist()
    assert 0 <= found <= MAX_DISTANCE
    assert found == (pytest.approx(expected, abs=1e-9) if expected != 3 or ranges[0][0] == 0 else MAX_DISTANCE)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[TestClient]:
    for version in (1, 2):
        write_sum(tmp_path, version=version)
    write_uncertain(tmp_path)
    with running(tmp_path) as client:
        yield client


ROWS = [[1.5, 0], [2.05, 0], [3, 0], [1, 205]]
"""One inside; outside by 0.05, 1 and 20 widths."""


def expect_counted(client: TestClient, model: str, version: str = "1") -> None:
    samples = read(client)
    labels = {"model": model, "version": version}
    name = "nalu_extrapolation_distance"
    assert value(samples, "nalu_extrapolated_rows_total", **labels) == 3
    assert value(samples, f"{name}_count", **labels) == 3
    assert value(samples, f"{name}_sum", **labels) == pytest.approx(21.05)
    bounds = ("0.1", "0.5", "1.0", "10.0", "100.0", "+Inf")
    assert [value(samples, f"{name}_bucket", **labels, le=bound) for bound in bounds] == [1, 1, 2, 2, 3, 3]


def test_extrapolated_rows_of_predict_are_counted_by_model_and_version(fresh: TestClient) -> None:
    fresh.post("/predict/arithmetic", json={"model": "sum", "inputs": ROWS[:2]})
    fresh.post("/predict/arithmetic", json={"model": "sum", "inputs": ROWS[2:]})
    expect_counted(fresh, "sum", "2")
    assert value(read(fresh), "nalu_extrapolated_rows_total", model="sum", version="1") == 0


def test_extrapolated_rows_with_intervals_are_counted(fresh: TestClient) -> None:
    fresh.post("/predict/arithmetic", json={"model": "uncertain", "inputs": ROWS, "intervals": True, "level": 0.9})
    expect_counted(fresh, "uncertain")


@pytest.mark.parametrize("binary", [False, True])
def test_extrapolated_rows_of_the_open_inference_protocol_are_counted(fresh: TestClient, *, binary: bool) -> None:
    data = np.array(ROWS).tobytes()
    tensor = {"name": "input", "shape": [4, 2], "datatype": "FP64"}
    if binary:
        head = (
            b'{"inputs":[{"name":"input","shape":[4,2],"datatype":"FP64","parameters":{"binary_data_size":%d}}]}'
            % len(data)
        )
        headers = {"Inference-Header-Content-Length": str(len(head))}
        answer = fresh.post("/v2/models/sum/infer", content=head + data, headers=headers)
    else:
        answer = fresh.post("/v2/models/sum/infer", json={"inputs": [tensor | {"data": ROWS}]})
    assert answer.status_code == 200
    expect_counted(fresh, "sum", "2")


def test_rows_inside_and_rejected_requests_make_no_series(fresh: TestClient) -> None:
    fresh.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, -5], [2, 5]]})
    fresh.post("/predict/arithmetic", json={"model": "sum", "inputs": [[9, 9, 9]]})
    fresh.post("/predict/arithmetic", json={"model": "sum", "inputs": [[9, 9]], "version": 3})
    assert not [labels for name, labels in read(fresh) if "extrapol" in name]


def test_the_series_of_a_removed_version_are_pruned(fresh: TestClient, tmp_path: Path) -> None:
    fresh.post("/predict/arithmetic", json={"model": "uncertain", "inputs": ROWS})
    expect_counted(fresh, "uncertain")
    service = fresh.app.state.service  # type: ignore[attr-defined]
    shutil.rmtree(tmp_path / "uncertain")
    service.repository.refresh()
    for later in (STALE_SECONDS, 3 * STALE_SECONDS):
        service.metrics.prune_stale_series(perf_counter() + later)
    assert not [labels for name, labels in read(fresh) if "extrapol" in name]


def test_rows_of_a_model_whose_range_is_not_known_are_computed_and_make_no_series(tmp_path: Path) -> None:
    training = manifest_of("sum", 1)["training"] | {"ranges": []}
    write_sum(tmp_path, training=training)
    with running(tmp_path) as client:
        tensor = {"name": "input", "shape": [1, 2], "datatype": "FP64", "data": [1e9, 1]}
        answer = client.post("/v2/models/sum/infer", json={"inputs": [tensor]})
        assert answer.json()["outputs"][0]["data"] == [1e9 + 1]
        assert not [labels for name, labels in read(client) if "extrapol" in name]
