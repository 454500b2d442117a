"""The dashboard and the alerts fit the metrics that the service exports."""

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.errors import RateLimitError
from tests.app.observability.exported import exported_metrics

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
PANELS: list[dict[str, Any]] = json.loads((ROOT / "deploy/grafana/dashboard.json").read_text())["panels"]
ALERTS: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"][0]["rules"]
QUERIES = {
    **{panel["title"]: target["expr"] for panel in PANELS for target in panel.get("targets", [])},
    **{alert["alert"]: alert["expr"] for alert in ALERTS},
}
SCRAPED = {"instance", "job", "le"}
"""Labels that Prometheus and histograms add."""


@pytest.mark.parametrize("name", QUERIES)
def test_queries_name_metrics_and_labels_that_the_service_exports(name: str) -> None:
    exported = exported_metrics()
    used = re.findall(r"(nalu_\w+?)(?:_bucket|_sum|_count)?(?=[\[{) ]|$)(\{[^}]*\})?", QUERIES[name])
    assert used or "up{" in QUERIES[name]
    labels = SCRAPED.union(*(exported[metric] for metric, _ in used))  # KeyError: there is no such metric
    selected = {label for _, selector in used for label in re.findall(r"(\w+)=~?\"", selector)}
    grouped = {label for group in re.findall(r"by \(([^)]*)\)", QUERIES[name]) for label in re.split(r",\s*", group)}
    assert selected | grouped <= labels


def test_the_dashboard_shows_every_metric() -> None:
    shown = " ".join(target["expr"] for panel in PANELS for target in panel.get("targets", []))
    assert [metric for metric in exported_metrics() if metric not in shown] == []


def test_panels_have_their_own_place_and_number() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    places = [(panel["title"], *(panel["gridPos"][side] for side in "xywh")) for panel in PANELS]
    for (one, x1, y1, w1, h1), (other, x2, y2, w2, h2) in combinations(places, 2):
        assert x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1, f"{one} covers {other}"
    assert max(x + w for _, x, _, w, _ in places) <= 24


def test_every_alert_has_a_summary_a_severity_and_a_test() -> None:
    tested = (PROMETHEUS / "alerts_test.yml").read_text()
    for alert in ALERTS:
        assert alert["annotations"]["summary"].endswith(".")
        assert alert["labels"]["severity"] in {"info", "warning", "critical"}
        firing = rf"alertname: {alert['alert']}\n\s+exp_alerts:"
        assert re.search(firing, tested), f"{alert['alert']} has no test in which it fires"


def test_the_alert_on_rate_limits_selects_the_reason_that_is_counted() -> None:
    assert f'reason="{RateLimitError.reason}"' in QUERIES["NaluRateLimited"]


def test_compose_mounts_what_is_there() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name in ("prometheus", "grafana"):
        assert services[name]["profiles"] == ["monitoring"]
        assert [mount for mount in services[name]["volumes"] if not (ROOT / mount.split(":")[0]).exists()] == []


def test_prometheus_finds_every_container_of_compose_by_its_name() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    scrapes = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    found = {scrape["job_name"]: scrape["dns_sd_configs"][0] for scrape in scrapes}
    assert (found["nalu"]["names"], found["nalu"]["port"]) == (["nalu"], 8000)
    for name in ("cpu", "serve"):
        assert services[name]["networks"]["default"]["aliases"] == ["nalu"]
    [balancer] = found["haproxy"]["names"]
    assert any(port.endswith(f":{found['haproxy']['port']}") for port in services[balancer]["ports"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("command", [["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]])
def test_prometheus_takes_the_configuration_and_its_alerts_fire_as_they_should(command: list[str]) -> None:
    done = subprocess.run(["promtool", *command], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
