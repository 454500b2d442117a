"""The metrics that the service exports."""

import re
from itertools import product

import numpy as np

from app.observability.metrics import Metrics, VersionStatus


def exported_metrics() -> dict[str, set[str]]:
    """The labels of each metric; of histograms, without ``le``."""
    metrics = Metrics(lambda: [VersionStatus("add", 1, "ready", served=True)])
    metrics.rejections.labels("overloaded").inc()
    metrics.closed_connections.labels("idle").inc()
    for key in (
        ("request", "/", "200"),
        *product(("decode", "encode"), "/"),
        *product(("queue", "compute", "rows"), "a", "1"),
    ):
        metrics.observations[tuple(key)].append(1)
    metrics.inputs("a", "1", ((0.0, 1.0),)).append(np.array([[2.0]]))
    metrics.flush()
    sample = r"^(nalu_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? "
    exported: dict[str, set[str]] = {}
    for metric, labels in re.findall(sample, metrics.render().decode(), re.MULTILINE):
        if not metric.endswith("_created"):
            exported.setdefault(metric, set()).update(set(re.findall(r'(\w+)="', labels)) - {"le"})
    return exported
