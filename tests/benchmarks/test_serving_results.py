"""The committed results say the same in every place."""

import json
import re
import statistics
from typing import Any

import pytest

from benchmarks.serving.report import render
from benchmarks.serving.scenarios import SCENARIOS, headline, median_ratio
from tests.end_to_end.server import ROOT

RESULTS: dict[str, Any] = json.loads((ROOT / "docs/results/serving.json").read_text(encoding="utf-8"))


def test_the_page_is_what_the_results_are_rendered_as() -> None:
    assert (ROOT / "docs/results/serving.md").read_text(encoding="utf-8") == render(RESULTS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_serving_page_repeats_the_results(name: str) -> None:
    assert row(name) in (ROOT / "docs/serving.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["row", "rows", "png"])
def test_the_readme_repeats_the_results(name: str) -> None:
    title, shown, echo, twin = re.findall(r"[^|]+", row(name).replace(" | ", "|").strip("| "))
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    [line] = re.findall(rf"- {title.split(',')[0]}(?: a request)?: ([^-]*)\.", readme)
    assert line.startswith(f"{shown}, ")
    assert f"{twin.split()[0]} times FastAPI with ONNX Runtime" in line
    assert ("echoes" in line) == (f"{echo} times a Starlette route that echoes the body" in line)


def row(name: str) -> str:
    scenario, runs = SCENARIOS[name], RESULTS["scenarios"][name]
    ours, echo, baseline, hurried = (
        [headline(scenario, seen) for seen in runs[server]]
        for server in ("service", "echo", "baseline", "async baseline")
    )
    value = statistics.median(ours)
    shown = f"{value:.2f} ms" if scenario.unit == "ms" else f"{value:,.0f} {scenario.unit}"
    ratios = (median_ratio(ours, echo), median_ratio(ours, baseline), median_ratio(ours, hurried))
    return "| {} | {} | {:.2f} | {:.1f} ({:.1f}) |".format(scenario.title, shown, *ratios)
