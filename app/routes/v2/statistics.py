"""Triton's statistics, from the counters behind /metrics: rows, batches, and the time of queueing and inference.

``success`` counts the requests that reached a batch and sums their queueing and the batches' inference time.
"""

from typing import Any

from app.observability.metrics import Metrics


def statistics(metrics: Metrics, models: list[tuple[str, int]]) -> dict[str, Any]:
    """The statistics of the given names and versions, since the service started."""
    values: dict[tuple[str, str], dict[str, float]] = {}
    for sample in metrics.samples():
        labels = sample.labels
        if labels.keys() == {"model", "version"}:  # histogram buckets have a third label
            values.setdefault((labels["model"], labels["version"]), {})[sample.name] = sample.value
    return {"model_stats": [_of_version(name, str(v), values.get((name, str(v)), {})) for name, v in models]}


def _of_version(name: str, version: str, values: dict[str, float]) -> dict[str, Any]:
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
