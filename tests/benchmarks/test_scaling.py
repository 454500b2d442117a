"""The curves of processor time over workers, connections and models."""

from pathlib import Path

import pytest

from benchmarks.scaling.curves import RULES, Rule, ratio
from benchmarks.scaling.report import render
from benchmarks.scaling.repository import write_repository
from benchmarks.scaling.steady_load import Point
from models.manifest import Manifest


def points(*microseconds: float) -> list[Point]:
    return [Point(each, 1000.0) for each in microseconds]


def test_counts_are_compared_round_by_round_so_that_a_slow_round_changes_nothing() -> None:
    runs = {64: points(50, 500, 60), 1000: points(60, 600, 72)}
    assert ratio(runs, Rule("connections", 1000, 64, 1.3)) == pytest.approx(1.2)


def test_the_page_has_every_count_and_rule() -> None:
    runs = {name: {1: points(40), 8: points(44)} for name in ("connections", "models")}
    runs["workers"] = {1: points(40), 8: points(48)}
    page = render({"workers": runs["workers"]})
    assert "| 8 | 48.0 | 1,000 |" in page
    assert "8 cost 1.20 times what 1 cost; limit 1.3." in page
    assert {rule.curve for rule in RULES} == runs.keys()


def test_a_repository_of_many_models_has_as_many_sound_manifests(tmp_path: Path) -> None:
    root = write_repository(tmp_path, 3)
    names = [Manifest.read(folder / "1").name for folder in sorted(root.iterdir())]
    assert names == ["multiply", "multiply-1", "multiply-2"]
