"""What Prometheus reads: requests, predictions, refusals, queue and models."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Set before Python starts when several workers count together; prometheus_client reads it too."""
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self.requests = Counter("nalu_requests", "Requests answered.", ["route", "status"], registry=registry)
        self.request_seconds = Histogram(
            "nalu_request_seconds", "Seconds from request to answer.", ["route"], buckets=SECONDS, registry=registry
        )
        self.rows = Counter(
            "nalu_prediction_rows", "Rows or pictures predicted.", ["model", "version"], registry=registry
        )
        self.prediction_seconds = Histogram(
            "nalu_prediction_seconds", "Seconds that a model computed.", ["model"], buckets=SECONDS, registry=registry
        )
        self.queued = Gauge(
            "nalu_queued_predictions", "Predictions that wait.", multiprocess_mode="livesum", registry=registry
        )
        self.models = Gauge(
            "nalu_models", "Version folders by state.", ["state"], multiprocess_mode="max", registry=registry
        )

    def render(self) -> bytes:
        """All values in Prometheus' text format, of all workers where there are several."""
        if MULTIPROCESS_FOLDER not in os.environ:
            return generate_latest(self._registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)
