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
    title, used, echo, baseline, _, shown = re.findall(r"[^|]+", row(name).replace(" | ", "|").strip("| "))
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    [line] = re.findall(rf"- {title.split(',')[0]}(?: a request)?: ([^-]*)\.", readme)
    assert line.startswith(f"{used} us, {baseline.split()[0]} of FastAPI with ONNX Runtime")
    assert ("echoes" in line) == (f"{echo} of a Starlette route that echoes the body" in line)
    assert line.endswith(shown)


def row(name: str) -> str:
    """Processor time of a request, ours divided by others', and what is served."""
    scenario, runs = SCENARIOS[name], RESULTS["scenarios"][name]
    ours = [run["cpu_us"] for run in runs["service"]]
    others = ("echo", "baseline", "async baseline", "mosec", "mosec-msgspec")
    ratios = [median_ratio(ours, [run["cpu_us"] for run in runs[server]]) for server in others]
    value = statistics.median(headline(scenario, run) for run in runs["service"])
    shown = f"{value:.2f} ms" if scenario.unit == "ms" else f"{value:,.0f} {scenario.unit}"
    title = scenario.title.partition(":")[0]
    return "| {} | {:,.0f} | {:.2f} | {:.2f} ({:.2f}) | {:.2f} ({:.2f}) | {} |".format(
        title, statistics.median(ours), *ratios, shown
    )
