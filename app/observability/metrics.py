"""What Prometheus reads: requests, refusals, the queue, the parts of a request's time, and models."""

import os
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.repository.repository import Repository

MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Set before Python starts when several workers count together; prometheus_client reads it too."""
SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384, 65536)
PER_VERSION = ("queue", "compute", "rows")
"""What is counted for each model and version."""
STALE_SECONDS = 60.0
"""How long the series of a removed version stay: the next scrape needs their last values."""


class BulkHistogram(Histogram):
    """A histogram that takes many values at once, for a tenth of what one after the other costs."""

    def observe_all(self, values: Iterable[float]) -> None:
        """Observe each of the values."""
        tally: dict[int, int] = {}
        total = 0.0
        for value in values:
            bucket = bisect_left(self._upper_bounds, value)
            tally[bucket] = tally.get(bucket, 0) + 1
            total += value
        for bucket, count in tally.items():
            self._buckets[bucket].inc(count)
        self._sum.inc(total)


class Metrics:
    """The counters of one application. The parts of a request's time are those that Triton reports.

    Observations are appended to plain lists on the hot path; ``flush`` counts them several times a second.

    Args:
        repository: the models whose state is shown.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.registry = CollectorRegistry()
        self._models = _ModelStates(repository)
        self.registry.register(self._models)
        self._observations: dict[tuple[str, ...], list[float]] = {}
        self._stale_since: dict[tuple[str, ...], float] = {}
        """Since when models and versions that are counted have been gone."""
        self._requests = self._counter("requests", "Requests answered; 499: the client had gone.", "route", "status")
        self.rejections = self._counter("rejections", "Requests refused, by reason.", "reason")
        self._rows = self._counter("prediction_rows", "Rows and pictures predicted.", "model", "version")
        self._histograms = {
            "request": self._histogram("request_seconds", "Seconds from request to answer.", "route"),
            "decode": self._histogram("decode_seconds", "Seconds from a body to a model's input.", "route"),
            "encode": self._histogram("encode_seconds", "Seconds from a model's output to an answer.", "route"),
            "queue": self._histogram("queue_seconds", "Seconds that a request waited.", "model", "version"),
            "compute": self._histogram("compute_seconds", "Seconds a batch was computed.", "model", "version"),
            "rows": self._histogram("batch_rows", "Rows computed together.", "model", "version", buckets=ROWS),
        }
        self.queued_rows = Gauge(
            "nalu_queued_rows",
            "Rows and pictures that are queued or running.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"nalu_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> BulkHistogram:
        return BulkHistogram(f"nalu_{name}", text, labels, buckets=buckets, registry=self.registry)

    def observations(self, *key: str) -> list[float]:
        """The list to which values are to be appended.

        Args:
            key: what is measured, and its labels: ``"request"`` (seconds) with route and status; ``"decode"`` and
                ``"encode"`` (seconds) with the route; ``"queue"``, ``"compute"`` (seconds) and ``"rows"`` (of a batch)
                with model and version.
        """
        buffer = self._observations.get(key)
        if buffer is None:
            buffer = self._observations[key] = []
        return buffer

    def flush(self) -> None:
        """Count the buffered observations."""
        for (kind, *labels), values in self._observations.items():
            if not values:
                continue
            if kind == "request":
                self._requests.labels(*labels).inc(len(values))
                labels = labels[:1]
            elif kind == "rows":
                self._rows.labels(*labels).inc(sum(values))
            self._histograms[kind].labels(*labels).observe_all(values)
            values.clear()

    def prune_stale_series(self, now: float) -> None:
        """Let go the counts of versions that went a while ago, as new versions may come without end.

        With several workers they stay: prometheus_client cannot take anything out of the workers' files.

        Args:
            now: by any clock of seconds, always the same.
        """
        if MULTIPROCESS_FOLDER in os.environ:
            return
        counted = {tuple(labels) for kind, *labels in self._observations if kind in PER_VERSION}
        here = {(name, str(version)) for (name, version), _ in self._repository.entries()}
        self._stale_since = {labels: self._stale_since.get(labels, now) for labels in counted - here}
        for labels, since in self._stale_since.items():
            if now - since > STALE_SECONDS:
                self._forget(labels)

    def _forget(self, labels: tuple[str, ...]) -> None:
        """Let go the counts of one version of a model."""
        self._rows.remove(*labels)
        for kind in PER_VERSION:
            self._histograms[kind].remove(*labels)
            self._observations.pop((kind, *labels), None)

    def render(self) -> bytes:
        """All values in Prometheus' text format, of all workers where there are several."""
        self.flush()
        if MULTIPROCESS_FOLDER not in os.environ:
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        everyone.register(self._models)
        return generate_latest(everyone)


class _ModelStates(Collector):
    """The repository's state, looked up when it is asked for: every worker sees the same folder."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def collect(self) -> Iterable[Metric]:
        return list(self._families())

    def _families(self) -> Iterator[Metric]:
        entries = self._repository.entries()
        states = Tally(entry.state for _, entry in entries)
        models = GaugeMetricFamily("nalu_models", "Version folders by state.", labels=["state"])
        for state in ("ready", "damaged"):
            models.add_metric([state], states[state])
        yield models
        served = GaugeMetricFamily("nalu_model_served", "1: served; 0: not.", labels=["model", "version"])
        for (name, version), entry in entries:
            served.add_metric([name, str(version)], entry.model is not None)
        yield served
