"""The series of removed versions do not accumulate."""

import shutil
from pathlib import Path

import pytest

from app.observability.metrics import MULTIPROCESS_FOLDER, PER_VERSION, STALE_SECONDS, Metrics, VersionStatus
from tests.app.factory import running, wait_until, write_sum


class Counted:
    """Metrics of a model whose versions are added and removed."""

    def __init__(self) -> None:
        self.versions: set[int] = set()
        self.metrics = Metrics(lambda: [VersionStatus("sum", version, "ready", False) for version in self.versions])

    def predict(self, version: int, rows: int = 1) -> None:
        self.versions.add(version)
        for kind in PER_VERSION:
            self.metrics.observations[kind, "sum", str(version)].append(rows)

    def text(self) -> str:
        return self.metrics.render().decode()


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_the_series_of_a_removed_version_stay_until_a_scrape_has_read_their_last_values(
    counted: Counted,
) -> None:
    counted.predict(1, rows=3)
    counted.versions.clear()
    counted.metrics.flush()
    for now in (0.0, STALE_SECONDS):
        counted.metrics.prune_stale_series(now)
        assert 'nalu_prediction_rows_total{model="sum",version="1"} 3.0' in counted.text()
    counted.metrics.prune_stale_series(2 * STALE_SECONDS)
    assert "sum" not in counted.text()


def test_a_hundred_versions_that_were_added_and_removed_leave_nothing_behind(counted: Counted) -> None:
    counted.predict(1)
    before = len(counted.text().splitlines())
    buffers = {}
    for version in range(2, 102):
        counted.predict(version)
        buffers[version] = counted.metrics.observations["queue", "sum", str(version)]
        counted.versions = {1}
        counted.metrics.flush()
        counted.metrics.prune_stale_series(version * STALE_SECONDS)
    counted.metrics.prune_stale_series(1000 * STALE_SECONDS)
    assert len(counted.text().splitlines()) == before
    for version, buffer in buffers.items():
        assert counted.metrics.observations["queue", "sum", str(version)] is not buffer


def test_a_version_that_returns_in_time_continues_its_series(counted: Counted) -> None:
    counted.predict(1, rows=3)
    counted.versions.clear()
    counted.metrics.flush()
    counted.metrics.prune_stale_series(0.0)
    counted.predict(1, rows=4)
    counted.metrics.flush()
    counted.metrics.prune_stale_series(STALE_SECONDS)
    counted.versions.clear()
    counted.metrics.prune_stale_series(2 * STALE_SECONDS)
    assert 'nalu_prediction_rows_total{model="sum",version="1"} 7.0' in counted.text()


def test_several_workers_keep_all_series_as_their_files_are_append_only(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted.predict(1, rows=3)
    counted.versions.clear()
    counted.metrics.flush()
    with monkeypatch.context() as patched:
        patched.setenv(MULTIPROCESS_FOLDER, "not looked into")
        for now in (0.0, 2 * STALE_SECONDS):
            counted.metrics.prune_stale_series(now)  # prometheus_client would warn
    assert 'nalu_prediction_rows_total{model="sum",version="1"} 3.0' in counted.text()


def test_versions_are_listed_ten_times_until_series_are_stale_however_often_they_are_looked_for() -> None:
    listed = []

    def versions() -> list[VersionStatus]:
        listed.append(1)
        return []

    metrics = Metrics(versions)
    for tenth in range(10 * int(STALE_SECONDS)):
        metrics.prune_stale_series(tenth / 10)
    assert len(listed) == 10


def test_the_service_prunes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.observability.metrics.STALE_SECONDS", 0.0)
    for version in (1, 2):
        write_sum(tmp_path, version=version)
    with running(tmp_path, repository_poll_seconds=0.01) as client:
        for version in (1, 2):
            client.post("/predict/arithmetic", json={"model": "sum", "version": version, "inputs": [[1, 2]]})
        shutil.rmtree(tmp_path / "sum" / "2")
        wait_until(lambda: 'version="2"' not in client.get("/metrics").text)
        assert 'nalu_prediction_rows_total{model="sum",version="1"} 1.0' in client.get("/metrics").text
