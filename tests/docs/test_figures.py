"""The figures of README and of the pages are those of the results and of the manifests."""

import json
from collections.abc import Mapping
from statistics import mean
from typing import Any

import pytest

from models.manifest import Manifest
from tests.docs.pages import ROOT, read

REPOSITORY = ROOT / "repository"
RESULTS = ROOT / "docs" / "results"
README = read("README.md")
MODELS = read("docs/models.md")
ARITHMETIC = sorted(path.name for path in REPOSITORY.iterdir() if "digit" not in path.name)


def results(name: str) -> Any:
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ARITHMETIC)
def test_the_table_of_laws_repeats_the_manifests(name: str) -> None:
    manifest = Manifest.read(REPOSITORY / name / "1")
    inside, beyond, far = (manifest.metrics[part] for part in ("interpolation", "extrapolation", "far"))
    figures = [
        inside["relative_rmse"],
        beyond["relative_rmse"],
        far["max_relative_error"],
        beyond["mlp"]["relative_rmse"],
    ]
    cells = [f"`{name}`", f"`{manifest.formula}`", *(f"{v:.0e}" if v < 0.1 else f"{v:.2g}" for v in figures)]
    assert f"| {' | '.join(cells)} |" in MODELS


@pytest.mark.parametrize("name", ["digit", "digit-value"])
def test_the_table_of_digits_repeats_the_manifests(name: str) -> None:
    manifest = Manifest.read(REPOSITORY / name / "1")
    parts = (manifest.metrics["interpolation"], manifest.metrics["extrapolation"])
    linear = [part["plain_head"] for part in parts if "plain_head" in part]

    def figure(errors: Mapping[str, float]) -> str:
        if "accuracy" in errors:
            return f"{errors['accuracy']:.1%}"
        return f"error {errors['mae']:.2f}"

    cells = [f"`{name}`", manifest.unit, *map(figure, parts), ", ".join(map(figure, linear))]
    assert f"| {' | '.join(cells)} |" in MODELS


def row(title: str) -> list[str]:
    """The cells of a line of README's table of results."""
    [line] = [line for line in README.splitlines() if line.startswith(f"| {title}")]
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_the_readme_repeats_the_error_of_kinetic_energy() -> None:
    beyond = Manifest.read(REPOSITORY / "kinetic-energy" / "1").metrics["extrapolation"]
    ours, compared, _ = row("`kinetic-energy`")
    assert ours == f"{beyond['relative_rmse']:.0g}"
    assert compared == f"MLP of equal size: {beyond['mlp']['relative_rmse']:.2g}"


def test_the_readme_repeats_the_success_in_division() -> None:
    records = [
        record
        for record in results("arithmetic.json")["records"]
        if (record["unit"], record["operation"], record["inputs"]) == ("auto", "divide", 2)
    ]
    assert len({record["range"] for record in records}) == 9
    assert {record["seeds"] for record in records} == {25}
    success = mean(record["successes"] / record["seeds"] for record in records)
    assert row("a / b")[0] == f"{100 * success:.0f} %"


@pytest.mark.parametrize(
    ("title", "page"),
    [
        ("products", "a product of powers with a constant"),
        ("noisy", "the same with 3 % noise: exponents and sign"),
        ("sums", "a sum of two or three such terms"),
        ("quotients", "a quotient of sums"),
    ],
)
def test_the_pages_repeat_how_many_laws_were_found(title: str, page: str) -> None:
    laws = results("laws.json")[title]["results"]
    found = f"{sum(law['right'] for law in laws)} of {len(laws)}"
    assert f"| {page} | {found} |" in read("docs/benchmarks.md")
    if title == "quotients":
        assert row("random quotients of sums")[0] == found


def test_the_readme_repeats_the_accuracy_of_digit() -> None:
    tests = [run["test"] for run in results("images.json") if run["model"] == "digit"]
    ours, compared, _ = row("`digit`")
    assert ours == f"{100 * mean(test['accuracy'] for test in tests):.2f} %"
    assert compared == f"linear head: {100 * mean(test['plain_head']['accuracy'] for test in tests):.2f} %"


def test_the_readme_repeats_the_error_of_sums_of_ten_digits() -> None:
    runs = [run["digits"] for run in results("images.json") if run["model"] == "digit-sum"]
    ours, compared, _ = row("`digit-sum`")
    [mlp, frozen] = [head for head in runs[0] if head.startswith("CNN, sum, MLP")]

    def error(head: str) -> str:
        return f"{mean(run[head]['10']['mae'] for run in runs):.2f}"

    assert ours == error("NAU")
    assert compared == f"CNN with an MLP: {error(mlp)}; batch norm frozen: {error(frozen)}"


def test_the_readme_repeats_the_error_of_sums_over_a_thousand_digits() -> None:
    errors: dict[str, list[float]] = {}
    for record in results("sequences.json")["records"]:
        if record["task"] == "sum":
            errors.setdefault(record["unit"], []).append(record["mae"]["1000"])
    best = min(errors, key=lambda unit: mean(errors[unit]))
    assert best.startswith("NAU")
    assert len(errors[best]) == 10
    assert row("sums over 1,000 digits")[0] == f"{mean(errors[best]):.1f}"


def test_the_table_of_results_has_six_rows_that_name_their_commands() -> None:
    table = README.split("## Results")[1].split("## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) == 6
    assert all("`python -m " in row for row in rows)


def test_the_page_repeats_what_a_long_table_costs() -> None:
    lines = (RESULTS / "predict-table.md").read_text(encoding="utf-8").splitlines()
    cells = {
        line.split(" | ")[0].strip("| `"): line.strip("| ").split(" | ") for line in lines if line.startswith("| ")
    }
    ours, whole = cells["app.predict"], cells["pyarrow, whole"]
    text = " ".join(read("docs/serving.md").split())
    assert f"Ten million rows take {ours[2]} s of CPU time and {ours[4]} of memory" in text
    assert f"pyarrow takes {whole[2]} s and {whole[4]} to read" in text
