"""The report: self-contained, true to the manifest, safe for any names, and served."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from models.manifest import Manifest
from tests.app.factory import manifest_of, running, write_sum
from training.__main__ import main
from training.data.labeled_images import LabeledImages
from training.export.evaluation import Evaluation, WorstRow
from training.report.card import Stated, render_report
from training.vision.evaluation import evaluate_images

ROOT = Path(__file__).parents[3]
LOADING = ("src", "href", "xlink:href", "action", "srcset", "poster", "data")


class Page(HTMLParser):
    """Elements and text of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += f"{data} "

    @property
    def ids(self) -> list[str | None]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    @property
    def text(self) -> str:
        return " ".join(self.words.split())


def expect_self_contained(page: bytes) -> Page:
    """Assert that a page needs nothing else, fits into a mail, and is accessible in what a parser sees."""
    assert len(page) < 1_000_000
    parsed = Page(page)
    names = [tag for tag, _ in parsed.tags]
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(names)
    addresses = [value for _, attributes in parsed.tags for name in LOADING if (value := attributes.get(name))]
    assert all(value.startswith(("#", "data:image/png;base64,")) for value in addresses)
    assert not re.search(rb"url\((?!#)|@import", page)
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert len(parsed.ids) == len(set(parsed.ids))
    assert (names.count("h1"), names.count("main")) == (1, 1)
    assert all(attributes.get("alt") for tag, attributes in parsed.tags if tag == "img")
    labelled = [attributes.get("aria-labelledby") for tag, attributes in parsed.tags if tag in ("svg", "section")]
    assert set(labelled) <= set(parsed.ids)
    return parsed


@pytest.mark.slow
def test_the_report_of_a_default_model_is_written_served_and_says_what_its_manifest_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "repository" / "kinetic-energy", tmp_path / "kinetic-energy")
    assert main(["report", "kinetic-energy", "--repository", str(tmp_path), "--licence", "CC-BY-4.0"]) == 0
    assert "/models/kinetic-energy/report?version=1" in capsys.readouterr().out
    with running(tmp_path) as client:
        page = client.get("/models/kinetic-energy/report").content
        assert client.get("/models/kinetic-energy/curves").status_code == 200
    parsed = expect_self_contained(page)
    assert page == (tmp_path / "kinetic-energy" / "1" / "report.html").read_bytes()
    manifest = Manifest.read(tmp_path / "kinetic-energy" / "1")
    shown = ["0.5 * mass * speed**2", "CC-BY-4.0", manifest.training.command, manifest.files["model.onnx"].sha256]
    shown += [
        manifest.training.data,
        "onnxscript 0.7.2",
        "1000 beyond the training range MLP of equal size 8.53e+07",
        manifest.summary,
    ]
    assert [text for text in shown if text not in parsed.text] == []
    tags = [tag for tag, _ in parsed.tags]
    assert tags.count("svg") == 2  # along each column, and predictions against the truth
    assert {"math", "msup", "mi"} <= set(tags)


def test_names_that_look_like_markup_are_text(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>&\"'"
    columns = [{"name": "input", "datatype": "FP64", "shape": [-1, 2], "columns": [name, "b"]}]
    outputs = [{"name": "output", "datatype": "FP64", "shape": [-1, 1], "columns": [name]}]
    folder = write_sum(tmp_path, inputs=columns, outputs=outputs, summary=name, formula=name)
    worst = WorstRow(part="interpolation", row=name, inputs={name: 1.0}, actual=name, predicted=name)
    evaluation = Evaluation(parts={}, worst=[worst])
    page = render_report(folder, Manifest.read(folder), evaluation, Stated(name, name))
    parsed = expect_self_contained(page)
    assert parsed.text.count(name) >= 8


def test_a_model_without_any_measurement_has_a_report_of_what_is_known(tmp_path: Path) -> None:
    folder = write_sum(tmp_path)
    parsed = expect_self_contained(render_report(folder, Manifest.read(folder)))
    assert "Licence not stated" in parsed.text
    assert manifest_of("sum", 1)["formula"] in parsed.text


def test_a_model_of_tensors_has_a_report_of_their_types_and_shapes(tmp_path: Path) -> None:
    tensors = [
        {"name": "ids", "datatype": "INT64", "shape": [-1, 4]},
        {"name": "text", "datatype": "BYTES", "shape": [-1]},
    ]
    training = manifest_of("m", 1)["training"] | {"ranges": [], "rows": 0}
    changes = {"task": "tensors", "inputs": tensors, "formula": None, "latex": None, "training": training}
    folder = write_sum(tmp_path, **changes)
    parsed = expect_self_contained(render_report(folder, Manifest.read(folder)))
    assert "ids (INT64, any x 4), text (BYTES, any)" in parsed.text
    assert "No errors were measured." in parsed.text


def test_intervals_of_other_rows_than_the_manifest_s_are_not_shown(tmp_path: Path) -> None:
    errors = {"rows": 50, "mae": 2.0, "rmse": 3.0, "relative_rmse": 0.25}
    folder = write_sum(tmp_path, metrics={"interpolation": errors})
    manifest = Manifest.read(folder)
    part = {"rows": 50, "intervals": {"model": {"relative_rmse": (0.2, 0.3)}}}
    shown = render_report(folder, manifest, Evaluation.model_validate({"parts": {"interpolation": part}}))
    assert "0.25 (0.2 to 0.3)" in Page(shown).text
    other = render_report(folder, manifest, Evaluation.model_validate({"parts": {"interpolation": part | {"rows": 9}}}))
    assert "0.25" in Page(other).text
    assert "(0.2 to 0.3)" not in Page(other).text


@pytest.mark.slow
def test_a_classifier_s_report_shows_its_confusion_and_the_images_that_it_gets_wrong() -> None:
    folder = ROOT / "repository" / "digit" / "1"
    manifest = Manifest.read(folder)
    images = LabeledImages(list(np.zeros((3, 1, 200, 100), np.uint8)), np.array([0.0, 1.0, 2.0]))
    outputs = np.eye(10)[[0, 7, 2]] * 0.9
    evaluation = evaluate_images({"interpolation": [outputs]}, manifest.classes, {"interpolation": images})
    assert evaluation.confusion is not None
    assert [evaluation.confusion[i][j] for i, j in ((0, 0), (1, 7), (2, 2))] == [1, 1, 1]
    assert np.sum(evaluation.confusion) == 3
    assert [(row.actual, row.predicted) for row in evaluation.worst] == [("1", "7 (90%)")]
    parsed = expect_self_contained(render_report(folder, manifest, evaluation))
    assert [tag for tag, _ in parsed.tags].count("img") == 1
    assert "resized to 28 x 28 pixels" in parsed.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "nobody"], "has no model 'nobody'; train one, or give another --repository."),
        (["report", "add", "--version", "9"], "has no version 9 of 'add'; it has 1."),
        (
            ["report", "digit", "--data", "t.csv"],
            "--data is for models of task 'arithmetic', and 'digit' is not; leave",
        ),
        (
            ["curves", "digit"],
            "'digit' is of task 'image-classification'; only models of task 'arithmetic' have curves.",
        ),
    ],
)
def test_a_report_that_cannot_be_made_is_refused_with_the_reason(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--repository", str(ROOT / "repository")]) == 2
    assert message in capsys.readouterr().err
