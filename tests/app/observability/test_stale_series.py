"""What is counted of versions that come and go does not pile up."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from app.observability.metrics import MULTIPROCESS_FOLDER, PER_VERSION, STALE_SECONDS, Metrics
from app.repository.repository import Repository
from tests.app.factory import running, wait_until, write_sum


class Counted:
    """Metrics over versions of one model that come and go."""

    def __init__(self) -> None:
        self.versions: set[int] = set()
        entries = [SimpleNamespace(state="ready", model=None)]
        repository = SimpleNamespace(entries=lambda: [(("sum", version), entries[0]) for version in self.versions])
        self.metrics = Metrics(cast(Repository, repository))

    def predict(self, version: int, rows: int = 1) -> None:
        self.versions.add(version)
        for kind in PER_VERSION:
            self.metrics.observations(kind, "sum", str(version)).append(rows)

    def text(self) -> str:
        return self.metrics.render().decode()


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_the_counts_of_a_version_that_has_gone_are_shown_until_a_scrape_must_have_seen_its_last_ones(
    counted: Counted,
) -> None:
    counted.predict(1, rows=3)
    counted.versions.clear()
    counted.metrics.flush()
    for now in (0.0, STALE_SECONDS):
        counted.metrics.prune_stale_series(now)
        assert 'nalu_prediction_rows_total{model="sum",version="1"} 3.0' in counted.text()
    counted.metrics.prune_stale_series(STALE_SECONDS + 1)
    assert "sum" not in counted.text()


def test_a_hundred_versions_that_came_and_went_leave_nothing_behind(counted: Counted) -> None:
    counted.predict(1)
    before = len(counted.text().splitlines())
    for version in range(2, 102):
        counted.predict(version)
        counted.versions = {1}
        counted.metrics.flush()
        counted.metrics.prune_stale_series(version * STALE_SECONDS)
    counted.metrics.prune_stale_series(1000 * STALE_SECONDS)
    assert len(counted.text().splitlines()) == before
    assert list(counted.metrics._observations) == [(kind, "sum", "1") for kind in PER_VERSION]


def test_a_version_that_comes_back_soon_goes_on_counting_and_may_go_anew(counted: Counted) -> None:
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


def test_several_workers_keep_all_counts_as_nothing_can_be_taken_out_of_their_files(
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


def test_the_service_forgets_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.observability.metrics.STALE_SECONDS", 0.0)
    for version in (1, 2):
        write_sum(tmp_path, version=version)
    with running(tmp_path, repository_poll_seconds=0.01) as client:
        for version in (1, 2):
            client.post("/predict/arithmetic", json={"model": "sum", "version": version, "inputs": [[1, 2]]})
        shutil.rmtree(tmp_path / "sum" / "2")
        wait_until(lambda: 'version="2"' not in client.get("/metrics").text)
        assert 'nalu_prediction_rows_total{model="sum",version="1"} 1.0' in client.get("/metrics").text
