"""The plots hold what they say: read back off matplotlib's own objects, before they become a PNG."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from training.data.labeled_images import LabeledImages
from training.vision.plots import plot_classes, plot_values
from training.vision.worst_predictions import SHOWN, draw_worst_predictions, worst_first

RANDOM = np.random.default_rng(0)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Figure]]:
    figures: list[Figure] = []
    for module in ("plots", "worst_predictions"):
        from training.output.figures import save_figure

        def save(figure: Figure, path: Path, save_figure: object = save_figure) -> None:
            figures.append(figure)
            save_figure(figure, path)

        monkeypatch.setattr(f"training.vision.{module}.save_figure", save)
    return figures


def texts(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def test_the_worst_come_first_and_what_is_not_finite_is_worse_still() -> None:
    predictions, labels = np.array([[1.0], [5.0], [np.nan], [2.5]]), np.array([1.0, 2.0, 3.0, 4.0])
    assert worst_first(predictions, labels, None).tolist() == [2, 1, 3, 0]
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    assert worst_first(probabilities, np.array([0.0, 0.0, 1.0]), ["a", "b"]).tolist() == [1, 2, 0]


@pytest.mark.slow
def test_the_figure_shows_the_images_themselves_with_truth_and_prediction(tmp_path: Path, drawn: list[Figure]) -> None:
    images = [RANDOM.integers(0, 256, (3, 9 + i, 12), dtype=np.uint8) for i in range(30)]
    labels, predictions = np.arange(30.0), np.arange(30.0)[:, None] + np.arange(30)[:, None] / 8
    draw_worst_predictions(tmp_path / "new" / "worst.png", "coins", LabeledImages(images, labels), predictions, None)
    [figure] = drawn
    assert len(figure.axes) == SHOWN
    assert texts(figure)[:2] == ["true 29\npredicted 32.62", "true 28\npredicted 31.5"]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), images[29].transpose(1, 2, 0))
    with Image.open(tmp_path / "new" / "worst.png") as png:
        assert (png.format, "Software" in png.info) == ("PNG", False)


def test_the_figure_of_a_classification_shows_how_sure_the_model_was(tmp_path: Path, drawn: list[Figure]) -> None:
    images = [np.full((1, 8, 8), 9, np.uint8)] * 2
    classes = ["a $cat$ of more than fourteen letters", "狗"]
    predictions = np.array([[0.3, 0.7], [0.6, 0.4]])
    draw_worst_predictions(
        tmp_path / "worst.png", "$pets$", LabeledImages(images, np.array([0.0, 0.0])), predictions, classes
    )
    assert texts(drawn[0]) == [
        "true a $cat$ of mo…\npredicted 狗, 70%",
        "true a $cat$ of mo…\npredicted a $cat$ of mo…, 60%",
    ]


def test_the_confusion_matrix_counts_true_classes_in_rows(tmp_path: Path, drawn: list[Figure]) -> None:
    truth, predictions = np.array([0.0, 0.0, 0.0, 2.0]), np.eye(3)[[0, 1, 1, 2]]
    plot_classes(tmp_path / "a.png", "x", truth, predictions, ["ant", "bee", "cat"])
    [axes] = drawn[0].axes
    np.testing.assert_allclose(axes.images[0].get_array(), [[1 / 3, 2 / 3, 0], [0, 0, 0], [0, 0, 1]])
    cells = {(text.get_position(), text.get_text()) for text in axes.texts}
    assert cells == {((0, 0), "1"), ((1, 0), "2"), ((2, 2), "1")}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


def test_many_classes_are_drawn_without_names_and_numbers(tmp_path: Path, drawn: list[Figure]) -> None:
    names = [str(i) for i in range(100)]
    plot_classes(tmp_path / "a.png", "x", np.arange(100.0), np.eye(100), names)
    assert len(drawn[0].axes[0].texts) == 0


def test_predictions_of_both_heads_stand_against_the_truth_and_the_line_of_equality(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    truth = np.array([1.0, 2.0, 5.0])
    plot_values(tmp_path / "a.png", "x", truth, {"NAC head": truth + 1, "linear head": np.array([1.0, np.nan, 4.0])})
    [axes] = drawn[0].axes
    assert axes.lines[0].get_xydata().tolist() == [[1, 1], [5, 5]]
    ours, baseline = axes.collections
    assert ours.get_offsets().tolist() == [[1, 2], [2, 3], [5, 6]]
    assert baseline.get_offsets().tolist() == [[1, 1], [5, 4]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "predicted = true",
        "NAC head",
        "linear head",
    ]
