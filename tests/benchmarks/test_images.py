import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.images import cross_dataset
from benchmarks.images.aggregates import errors, layouts
from benchmarks.images.render import FILE_KINDS, LAYOUTS, SUMMARY_LINES, averaged, page, summary_rows, write_report
from training.counting.aggregate_target import SUM
from training.counting.scene_sampling import Digits
from training.counting.train import build_counting_network

RESULTS = Path(__file__).parents[2] / "docs" / "results"


def aggregate_run(seed: int, mae: float, *, baselines: bool) -> dict[str, object]:
    found = {str(count): {"images": 10, "mae": mae * count, "bias": 0.0, "exact": 0.5} for count in SUM.test_counts}
    heads = {"NAU": found, "MLP": found} | ({"CNN, sum, MLP": found} if baselines else {})
    layouts = {
        f"{layout}, {kind}": {"images": 10, "mae": mae, "exact": 0.5} for layout in LAYOUTS for kind in FILE_KINDS
    }
    return {"model": "digit-sum", "seed": seed, "seconds": 60.0, "threads": 1, "digits": heads, "layouts": layouts}


def test_layouts_are_those_that_the_page_asks_for() -> None:
    digits = Digits(np.full((3, 28, 28), 200, np.uint8), np.array([1, 2, 3], np.uint8))
    found = layouts(SUM, build_counting_network(SUM).eval(), digits, 2)
    assert set(found) == {f"{layout}, {kind}" for layout in LAYOUTS for kind in FILE_KINDS}
    assert {each["images"] for each in found.values()} == {2}
    assert found["in a row, PNG, light on dark"] == found["in a row, PNG, dark on light"]


def test_a_page_without_cnn_baselines_leaves_their_note_out() -> None:
    assert "are ordinary" not in page([aggregate_run(0, 0.1, baselines=False)])
    assert "are ordinary" in page([aggregate_run(0, 0.1, baselines=True)])


def test_errors_are_those_of_their_formulas() -> None:
    predictions, truth = np.array([1.2, 6.0, 8.4]), np.array([1.0, 5.0, 9.0])
    found = errors(predictions, truth, relative=False)
    assert found == {
        "images": 3,
        "mae": pytest.approx(0.6),
        "bias": pytest.approx(0.2),
        "exact": pytest.approx(1 / 3),
    }
    found = errors(np.array([100.5, 8.0, 1.0]), np.array([100.0, 4.0, 1.0]), relative=True)
    assert found == {"images": 3, "median_relative_error": pytest.approx(0.005), "exact": pytest.approx(2 / 3)}


def test_lines_are_means_over_the_seeds() -> None:
    runs = [aggregate_run(0, 0.1, baselines=True), aggregate_run(1, 0.3, baselines=True)]
    found = averaged(runs)
    assert found["NAU"]["10"]["mae"] == pytest.approx(2.0)
    text = page(runs)
    assert "| 10 | 2.000, 50.0% | 2.000, 50.0% | 2.000, 50.0% |" in text
    assert "| anywhere, as close as above | 0.200, 50.0% | 0.200, 50.0% | 0.200, 50.0% | 0.200, 50.0% |" in text
    assert "seeds 0 and 1" in text
    assert "took, all heads together, 60 s on one core, 60 s on one core" in text


def test_a_report_is_a_page_its_figures_and_a_plot(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "digit-sum-0.json").write_text(json.dumps(aggregate_run(0, 0.1, baselines=True)))
    write_report(runs, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "runs", "images.json", "images.md", "images-digit-sum.png",
    }  # fmt: skip
    assert page(json.loads((tmp_path / "images.json").read_text())) == (tmp_path / "images.md").read_text()


def test_the_committed_page_repeats_the_committed_figures() -> None:
    assert page(json.loads((RESULTS / "images.json").read_text())) == (RESULTS / "images.md").read_text()


@pytest.mark.parametrize("line", range(len(SUMMARY_LINES)))
def test_the_page_of_models_repeats_the_results(line: int) -> None:
    row = summary_rows(json.loads((RESULTS / "images.json").read_text()))[line]
    assert row in (RESULTS.parent / "models.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_models_are_measured_on_another_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_dataset, "COUNTS", (1, 2))
    found = cross_dataset.page(RESULTS.parents[1] / "repository", images=8).splitlines()
    rows = {row.split("`")[1]: row.split("|")[2:-1] for row in found if row.startswith("| `")}
    assert list(rows) == ["digit", "digit-value", "digit-sum", "digit-count", "digit-product"]
    assert float(rows["digit"][0].split("%")[0]) > 90
    assert all(float(cell.split("%")[0]) >= 75 for cell in rows["digit-count"])
