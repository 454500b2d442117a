"""``fit-images`` on values beyond those in training: the counting head, ``--train-up-to``, and rejected options."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from training.__main__ import main
from training.data.synthetic.random_placement import non_overlapping_corners, scene_side


def scattered(folder: Path, counts: list[int]) -> Path:
    """Images with that many bright squares, at any pixel, but apart."""
    random, lines = np.random.default_rng(0), ["file,label"]
    for i, count in enumerate(counts):
        side = scene_side(max(count, 2), 18)
        image = np.full((side, side), 30, np.uint8)
        for top, left in non_overlapping_corners(count, 18, side, random):
            image[top + 4 : top + 14, left + 4 : left + 14] = 220
        Image.fromarray(image).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{count}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder / "labels.csv"


def fit(labels: Path, *more: str) -> int:
    folder = labels.parent
    places = ["--repository", str(folder / "models"), "--plots", str(folder / "reports"), "--images", str(folder)]
    return main(["fit-images", str(labels), "--task", "regression", "--name", "things", *places, *more])


def metrics(labels: Path) -> dict:
    return json.loads((labels.parent / "models/things/1/manifest.json").read_text())["metrics"]


@pytest.mark.slow
def test_what_is_learned_from_a_few_things_holds_for_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.vision.user_backbone.check_export", lambda *_: None)  # as slow as the export itself
    labels = scattered(tmp_path, [i % 4 for i in range(32)] + [12] * 3)
    assert fit(labels, "--pool", "count", "--train-up-to", "3", "--epochs", "12", "--batch-size", "4") == 0
    found = metrics(labels)
    assert found["extrapolation"]["rows"] == 3
    assert found["extrapolation"]["rounded_accuracy"] == 1
    assert found["interpolation"]["rounded_accuracy"] > 0.9
    printed = capsys.readouterr().out
    assert "3 with values beyond 3" in printed
    assert "beyond training  NAU head: mean error" in printed
    session = onnxruntime.InferenceSession(tmp_path / "models/things/1/model.onnx")
    image = np.array(Image.open(tmp_path / "34.png"))[None, None]
    assert session.run(None, {"input": image})[0].item() == 12  # whole, not nearly


@pytest.mark.parametrize("pool", ["count", "add-votes"])  # alias: the pool's old name
def test_a_label_that_is_no_count_is_named(pool: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = scattered(tmp_path, [1, 2] * 6)
    labels.write_text(labels.read_text().replace("3.png,2", "3.png,2.5"))
    assert fit(labels, "--pool", pool) == 2
    printed = capsys.readouterr().err
    assert "the label 2.5 is not a whole number of at least 0" in printed
    warned = printed.count("nalu-serve: --pool add-votes is called --pool count now.")  # alias: as above
    assert warned == (pool != "count")


def test_where_nothing_lies_beyond_the_largest_value_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(scattered(tmp_path, [1, 2, 3] * 4), "--train-up-to", "3") == 2
    assert "--train-up-to 3: no label" in (printed := capsys.readouterr().err)
    assert "the largest is 3" in printed


def test_too_few_images_within_are_counted_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit(scattered(tmp_path, [1, 2, 3] * 4), "--train-up-to", "2") == 2
    assert "8 usable images with values up to 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        (["--task", "classification", "--pool", "count"], "--pool count is for values"),
        (["--task", "classification", "--train-up-to", "3"], "--train-up-to is for values"),
        (["--highest", "3"], "--highest is of --pool count"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    tmp_path: Path, options: list[str], printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(scattered(tmp_path, [1, 2] * 6), *options) == 2
    assert printed in capsys.readouterr().err
