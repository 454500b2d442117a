import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from math import inf
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from app.observability.bulk_histogram import BulkHistogram
from app.observability.metrics import MULTIPROCESS_FOLDER
from tests.app.factory import TestClient, running, write_image, write_sum
from tests.app.images import grey, upload

ROOT = Path(__file__).parents[3]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[TestClient]:
    for version in (1, 2):
        write_sum(tmp_path, version=version)
    write_image(tmp_path, "brightness", "brightness")
    damaged = write_sum(tmp_path, name="damaged")
    (damaged / "model.onnx").unlink()
    with running(tmp_path, max_body_bytes=1000) as client:
        yield client


def read(client: TestClient) -> Samples:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(response.text)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for f in families for sample in f.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0)


def predict(client: TestClient, rows: int, **more: object) -> None:
    client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, 2]] * rows} | more)


def test_requests_are_counted_by_route_and_status(fresh: TestClient) -> None:
    for _ in range(3):
        predict(fresh, 1)
    predict(fresh, 1, version=9)
    fresh.post("/predict/arithmetic", content=b"{")
    for name in ("sum", "brightness", "unknown"):
        fresh.get(f"/models/{name}")
    samples = read(fresh)
    counted = {
        ("/predict/arithmetic", "200"): 3,
        ("/predict/arithmetic", "404"): 1,
        ("/predict/arithmetic", "422"): 1,
        ("/models/{name}", "200"): 2,
        ("/models/{name}", "404"): 1,
    }
    for (route, status), count in counted.items():
        assert value(samples, "nalu_requests_total", route=route, status=status) == count
    assert value(samples, "nalu_request_seconds_count", route="/predict/arithmetic") == 5


def test_rows_and_images_are_counted_by_model_and_version(fresh: TestClient) -> None:
    predict(fresh, 3)
    predict(fresh, 4)
    predict(fresh, 5, version=1)
    predict(fresh, 6, version=9)
    upload(fresh, "brightness", grey(1), grey(2), grey(3, 9, 9))
    samples = read(fresh)
    assert value(samples, "nalu_prediction_rows_total", model="sum", version="2") == 7
    assert value(samples, "nalu_prediction_rows_total", model="sum", version="1") == 5
    assert value(samples, "nalu_prediction_rows_total", model="brightness", version="1") == 3
    for name in ("nalu_queue_seconds", "nalu_compute_seconds", "nalu_batch_rows"):
        assert value(samples, f"{name}_count", model="sum", version="2") == 2
        assert value(samples, f"{name}_count", model="sum", version="1") == 1
    assert value(samples, "nalu_batch_rows_sum", model="sum", version="2") == 7


def test_paths_that_clients_invent_create_no_new_labels(fresh: TestClient) -> None:
    fresh.get("/first")
    before = read(fresh)
    for index in range(20):
        fresh.get(f"/made-up/{index}")
        fresh.request(f"VERB{index}", "/models")
        fresh.get(f"/models/made-up-{index}")
        predict(fresh, 1, model=f"made-up-{index}")
    after = read(fresh)
    routes = {dict(labels).get("route") for _, labels in after}
    assert "none" in routes
    assert not [route for route in routes if route and "made-up" in route]
    assert not [labels for _, labels in after if "made-up" in str(labels) or "VERB" in str(labels)]
    unknown = {"route": "none", "status": "404"}
    assert value(after, "nalu_requests_total", **unknown) - value(before, "nalu_requests_total", **unknown) == 20


def test_a_rejected_body_is_counted(fresh: TestClient) -> None:
    fresh.post("/predict/arithmetic", content=b" " * 1001)
    samples = read(fresh)
    rejected = [
        count
        for (name, labels), count in samples.items()
        if name == "nalu_requests_total" and dict(labels)["status"] == "413"
    ]
    assert rejected == [1]


def test_models_are_counted_by_state_and_nothing_is_queued(fresh: TestClient) -> None:
    samples = read(fresh)
    assert value(samples, "nalu_models", state="ready") == 3
    assert value(samples, "nalu_models", state="damaged") == 1
    assert samples["nalu_queued_rows", frozenset()] == 0


def test_a_state_without_models_is_zero(fresh: TestClient, tmp_path: Path) -> None:
    read(fresh)
    write_sum(tmp_path, name="damaged")
    fresh.app.state.service.repository.refresh()  # type: ignore[attr-defined]
    samples = read(fresh)
    assert value(samples, "nalu_models", state="ready") == 4
    assert value(samples, "nalu_models", state="damaged") == 0


def test_two_applications_have_separate_counters(fresh: TestClient, tmp_path: Path) -> None:
    predict(fresh, 3)
    with running(tmp_path) as other:
        assert value(read(other), "nalu_prediction_rows_total", model="sum", version="2") == 0


def test_prometheus_client_has_the_private_fields_that_counting_in_bulk_needs() -> None:
    histogram = BulkHistogram("seconds", "for tests", registry=None)
    missing = [field for field in BulkHistogram.PRIVATE_FIELDS if not hasattr(histogram, field)]
    assert not missing, (
        f"prometheus_client {metadata.version('prometheus_client')} has no Histogram.{', '.join(missing)}; change "
        "BulkHistogram.observe_all in app/observability/bulk_histogram.py, or lower the upper bound in pyproject.toml."
    )


@pytest.mark.parametrize("values", [[], [0.5], [0, 1, 1.0000001, 2, 2, 3, 1e9, -1], [inf]])
def test_observing_in_bulk_equals_observing_one_by_one(values: list[float]) -> None:
    registries = [CollectorRegistry(), CollectorRegistry()]
    bulk, single = (BulkHistogram("seconds", "for tests", buckets=(1, 2, 4), registry=one) for one in registries)
    bulk.observe_all(values)
    for one in values:
        single.observe(one)
    shown = [[sample for sample in _samples(registry) if "created" not in sample] for registry in registries]
    assert shown[0] == shown[1]


def _samples(registry: CollectorRegistry) -> list[str]:
    return generate_latest(registry).decode().splitlines()


WORKERS = """
import json, os
from app.observability.metrics import Metrics
from app.routes.v2.statistics import statistics

for batches in (2, 5):
    if os.fork() == 0:
        metrics = Metrics(list)
        metrics.observations["rows", "sum", "1"].extend([3.0] * batches)
        metrics.observations["compute", "sum", "1"].extend([0.25] * batches)
        metrics.flush()
        os._exit(0)
    os.wait()
print(json.dumps(statistics(Metrics(list), [("sum", 1)])))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="several workers need fork")
def test_statistics_of_several_workers_are_their_sums(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WORKERS],
        cwd=ROOT,
        env=os.environ | {MULTIPROCESS_FOLDER: str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    [stats] = json.loads(ended.stdout)["model_stats"]
    assert (stats["inference_count"], stats["execution_count"]) == (21, 7)
    assert stats["inference_stats"]["compute_infer"] == {"count": 7, "ns": 1_750_000_000}
