"""Triton's statistics, read off the counters that /metrics shows.

Only what is counted is said: rows, batches, and the time that requests waited and batches took. ``success`` has the
requests that came to be computed and the sum of both times. A counter that knows no version stands for all versions of
its model.
"""

from collections.abc import Iterator
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from app.observability.metrics import Metrics


def statistics(metrics: Metrics, models: list[tuple[str, int]]) -> dict[str, Any]:
    """The statistics of those names and versions, since the service started."""
    samples = list(_samples(metrics))
    return {"model_stats": [_of_model(samples, name, str(version)) for name, version in models]}


def _samples(metrics: Metrics) -> Iterator[Sample]:
    for family in text_string_to_metric_families(metrics.render().decode()):
        yield from family.samples


def _of_model(samples: list[Sample], name: str, version: str) -> dict[str, Any]:
    own = {"model": name, "version": version}
    values = {
        sample.name: sample.value
        for sample in samples
        if sample.labels.get("model") == name and sample.labels.items() <= own.items()
    }
    queue, compute = _duration(values, "nalu_queue_seconds"), _duration(values, "nalu_compute_seconds")
    return {
        "name": name,
        "version": version,
        "inference_count": int(values.get("nalu_prediction_rows_total", 0)),
        "execution_count": compute["count"],
        "inference_stats": {
            "success": {"count": queue["count"], "ns": queue["ns"] + compute["ns"]},
            "queue": queue,
            "compute_infer": compute,
        },
    }


def _duration(values: dict[str, float], name: str) -> dict[str, int]:
    return {"count": int(values.get(f"{name}_count", 0)), "ns": round(values.get(f"{name}_sum", 0) * 1e9)}
