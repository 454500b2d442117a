"""Prometheus metrics: requests, rejections, queueing, the phases of a request, and the models' states."""

import os
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from app.observability.bulk_histogram import BulkHistogram
from app.observability.extrapolation import Ranges, extrapolation_distances

MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Set before Python starts where several workers share their counters; prometheus_client reads it too."""
SECONDS_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ROWS_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384, 65536)
DISTANCE_BUCKETS = (0.1, 0.5, 1, 2, 5, 10, 100)
ROWS_IN_CACHE = 8192
"""Rows whose distances are computed at once; memory for more would cost more than the computation."""
PER_VERSION = ("queue", "compute", "rows")
"""Observations with the labels model and version."""
STALE_SECONDS = 60.0
"""How long the series of a removed version stay: the next scrape needs their last values."""


class VersionStatus(NamedTuple):
    """One version folder of the repository, as /metrics shows it."""

    name: str
    version: int
    state: str
    """``"ready"`` or ``"damaged"``."""
    served: bool


VersionStatuses = Callable[[], Iterable[VersionStatus]]


class Metrics:
    """The metrics of one application; the phases of a request are those that Triton reports.

    Observations are appended to plain lists on the hot path; ``flush`` counts them several times a second.

    Args:
        version_statuses: returns the current state of every version folder.
        repository_available: returns whether the repository's folder can be read.
    """

    def __init__(
        self, version_statuses: VersionStatuses, repository_available: Callable[[], bool] = lambda: True
    ) -> None:
        self.registry = CollectorRegistry()
        """The metrics of this process."""
        self._version_statuses = version_statuses
        self._repository_collector = _RepositoryCollector(version_statuses, repository_available)
        self.registry.register(self._repository_collector)
        self.observations: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
        """The buffers to append observations to, by metric and labels: ``"request"`` (seconds) with route and status;
        ``"decode"`` and ``"encode"`` (seconds) with the route; ``"queue"``, ``"compute"`` (seconds) and ``"rows"`` (of
        a batch) with model and version. No method: a request appends to six of them."""
        self._inputs: dict[tuple[str, str, Ranges], list[NDArray[np.float64]]] = {}
        self._stale_since: dict[tuple[str, ...], float] = {}
        """When versions with series were first seen to be removed."""
        self._prune_at = -inf
        self._requests = self._counter(
            "requests", "HTTP requests; status 499: the client disconnected before the response.", "route", "status"
        )
        self.rejections = self._counter("rejections", "Rejected requests, by reason.", "reason")
        self.closed_connections = self._counter(
            "closed_connections", "Connections that the service closed, by reason.", "reason"
        )
        self._rows = self._counter("prediction_rows", "Predicted rows and images.", "model", "version")
        self._extrapolated = self._counter(
            "extrapolated_rows", "Predicted rows outside the training range.", "model", "version"
        )
        self._distances = self._histogram(
            "extrapolation_distance",
            "How far rows lie outside the training range, in widths of it.",
            "model",
            "version",
            buckets=DISTANCE_BUCKETS,
        )
        self._histograms = {
            "request": self._histogram("request_seconds", "Latency of a request.", "route"),
            "decode": self._histogram("decode_seconds", "Decoding of a request body to model inputs.", "route"),
            "encode": self._histogram("encode_seconds", "Encoding of model outputs to a response.", "route"),
            "queue": self._histogram("queue_seconds", "Queueing delay of a request.", "model", "version"),
            "compute": self._histogram("compute_seconds", "Inference time of a batch.", "model", "version"),
            "rows": self._histogram("batch_rows", "Rows of a batch.", "model", "version", buckets=ROWS_BUCKETS),
        }
        self.queued_rows = self._gauge("queued_rows", "Rows and images queued or running.")
        self.connections = self._gauge("connections", "Open connections.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"nalu_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"nalu_{name}", text, multiprocess_mode="livesum", registry=self.registry)

    def _histogram(
        self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = SECONDS_BUCKETS
    ) -> BulkHistogram:
        return BulkHistogram(f"nalu_{name}", text, labels, buckets=buckets, registry=self.registry)

    def inputs(self, model: str, version: str, ranges: Ranges) -> list[NDArray[np.float64]]:
        """The buffer to append a model's inputs to, ``(rows, columns)`` each, so that extrapolated rows are counted.

        Args:
            model: its name.
            version: of the model.
            ranges: those of its training, one for each column.
        """
        return self._inputs.setdefault((model, version, ranges), [])

    def flush(self) -> None:
        """Count the buffered observations and inputs."""
        for (model, version, ranges), inputs in self._inputs.items():
            if not inputs:
                continue
            rows = np.concatenate(inputs)
            inputs.clear()
            for start in range(0, len(rows), ROWS_IN_CACHE):
                distances = extrapolation_distances(rows[start : start + ROWS_IN_CACHE], ranges)
                if len(distances):
                    self._extrapolated.labels(model, version).inc(len(distances))
                    self._distances.labels(model, version).observe_all(distances)
        for (kind, *labels), values in self.observations.items():
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
        """Remove the series of versions that were removed a while ago, so that they do not accumulate.

        However often it is called, it looks for them ten times in ``STALE_SECONDS``. With several workers they stay:
        prometheus_client cannot remove series from the workers' files.

        Args:
            now: seconds of a monotonic clock, the same in every call.
        """
        if MULTIPROCESS_FOLDER in os.environ or now < self._prune_at:
            return
        self._prune_at = now + STALE_SECONDS / 10  # it takes a while where there are many versions
        counted = {tuple(labels) for kind, *labels in self.observations if kind in PER_VERSION}
        current = {(state.name, str(state.version)) for state in self._version_statuses()}
        self._stale_since = {labels: self._stale_since.get(labels, now) for labels in counted - current}
        for labels, since in self._stale_since.items():
            if now - since > STALE_SECONDS:
                self._remove_series(labels)

    def _remove_series(self, labels: tuple[str, ...]) -> None:
        self._rows.remove(*labels)
        for kind in PER_VERSION:
            self._histograms[kind].remove(*labels)
            self.observations.pop((kind, *labels), None)
        self._extrapolated.remove(*labels)
        self._distances.remove(*labels)
        for key in [key for key in self._inputs if key[:2] == labels]:
            del self._inputs[key]

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._flushed_registry())

    def samples(self) -> Iterator[Sample]:
        """All current values, as ``render`` prints them."""
        for family in self._flushed_registry().collect():
            yield from family.samples

    def _flushed_registry(self) -> CollectorRegistry:
        """The up-to-date metrics, summed over all workers where there are several."""
        self.flush()
        if MULTIPROCESS_FOLDER not in os.environ:
            return self.registry
        all_workers = CollectorRegistry()
        MultiProcessCollector(all_workers)  # type: ignore[no-untyped-call]
        all_workers.register(self._repository_collector)
        return all_workers


class _RepositoryCollector(Collector):
    """The repository's state, read at each scrape: every worker has the same one, so it is not summed."""

    def __init__(self, version_statuses: VersionStatuses, repository_available: Callable[[], bool]) -> None:
        self._version_statuses = version_statuses
        self._repository_available = repository_available

    def collect(self) -> Iterable[Metric]:
        states = list(self._version_statuses())
        tally = Tally(state.state for state in states)
        models = GaugeMetricFamily("nalu_models", "Version folders, by state.", labels=["state"])
        for name in ("ready", "damaged"):
            models.add_metric([name], tally[name])
        served = GaugeMetricFamily(
            "nalu_model_served", "1 if the version is served, else 0.", labels=["model", "version"]
        )
        for state in states:
            served.add_metric([state.name, str(state.version)], state.served)
        available = GaugeMetricFamily(
            "nalu_repository_available",
            "1 if the folder of the models could be read at the last scan, else 0.",
            value=self._repository_available(),
        )
        return [models, served, available]
