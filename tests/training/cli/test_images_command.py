"""``fit-images``, as a user calls it: what it writes, draws and says, and what an interruption costs."""

import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from models.decoding import format_names
from models.manifest import Manifest, versions
from models.preprocessing import ImagePreprocessing
from tests.end_to_end.server import ROOT
from training.__main__ import main
from training.cli.images_command import choose_device, default_epochs
from training.data.image_folder import read_image_folder
from training.export.checkpoint import load_checkpoint, save_checkpoint
from training.export.evaluation import Evaluation
from training.export.write import Export
from training.trainer import checkpointing


def images(folder: Path, count: int = 24, label: Callable[[int], object] = float) -> Path:
    """Grey images, each of one shade and labelled by it."""
    lines = ["file,label"]
    for i in range(count):
        Image.new("L", (12 + i % 7, 12), 20 + 9 * (i % 25)).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{label(20 + 9 * (i % 25))}")
    path = folder / "labels.csv"
    path.write_text("\n".join(lines))
    return path


def dots(folder: Path, count: int = 24) -> Path:
    """Images of several sizes with a number of dots, labelled by it."""
    random, lines = np.random.default_rng(0), ["file,label"]
    for i in range(count):
        image = np.full((24, 20 + 4 * (i % 3)), 230, np.uint8)
        for dot in range(i % 4):
            row, column = 6 * dot + 2, random.integers(1, 16)
            image[row : row + 3, column : column + 3] = 40
        Image.fromarray(image).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{i % 4}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder / "labels.csv"


def arguments(labels: Path, *more: str, task: str = "regression", epochs: int = 2) -> list[str]:
    folder = labels.parent
    common = ["--images", str(folder), "--task", task, "--name", "shade", "--epochs", str(epochs)]
    return [*common, "--repository", str(folder / "models"), "--plots", str(folder / "reports"), *more]


def fit(labels: Path, *more: str, task: str = "regression", epochs: int = 2) -> int:
    return main(["fit-images", str(labels), *arguments(labels, *more, task=task, epochs=epochs)])


def manifest(labels: Path, version: int = 1) -> dict:
    return json.loads((labels.parent / "models" / "shade" / str(version) / "manifest.json").read_text())


def weights(labels: Path, version: int = 1) -> bytes:
    return (labels.parent / "models" / "shade" / str(version) / "weights.safetensors").read_bytes()


def expect_evaluation(labels: Path, errors: dict) -> None:
    """Assert that what is kept of the 18 held-out images has the errors of the manifest."""
    content = (labels.parent / "models" / "shade" / "1" / "evaluation.json").read_bytes()
    evaluation = Evaluation.model_validate_json(content)
    part = evaluation.parts["interpolation"]
    assert part.rows == 18
    if evaluation.confusion is not None:
        assert np.trace(evaluation.confusion) / np.sum(evaluation.confusion) == pytest.approx(errors["accuracy"])
        return
    for network, found in (("model", errors), ("plain_head", errors["plain_head"])):  # alias: the key of manifests
        error = np.abs(np.subtract(part.actual, np.array(part.predicted[network], float)))
        assert error.mean() == pytest.approx(found["mae"], rel=1e-3)
        assert part.intervals[network]["mae"][0] < found["mae"] < part.intervals[network]["mae"][1]
    worst = evaluation.worst[0]
    assert abs(float(worst.actual) - float(worst.predicted)) == pytest.approx(
        np.abs(np.subtract(part.actual, np.array(part.predicted["model"], float))).max(), rel=1e-3
    )
    with Image.open(labels.parent / worst.row) as file, Image.open(BytesIO(b64decode(worst.image or ""))) as kept:
        assert kept.size == (28, 28) or kept.size == file.size


@pytest.fixture
def without_dry_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not try the export before training, which takes seconds and has its own tests."""
    monkeypatch.setattr("training.vision.user_backbone.check_export", lambda *_: None)


@pytest.fixture
def quickly(without_dry_run: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write checkpoint and manifest alone: exporting to ONNX takes seconds and has its own tests."""

    def write_model(export: Export, repository: Path, name: str, *, version: int | None = None) -> Path:
        number = version or max(versions(repository / name), default=0) + 1
        folder = repository / name / str(number)
        folder.mkdir(parents=True)
        save_checkpoint(export.network, folder / "weights.safetensors")
        for file, content in export.files.items():
            (folder / file).write_bytes(content)
        promised = Manifest(name=name, version=number, files={}, **export.manifest)
        (folder / "manifest.json").write_text(promised.model_dump_json())
        return folder

    monkeypatch.setattr("training.vision.export.write_model", write_model)


@pytest.mark.slow
@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_it_writes_a_model_and_draws_a_report(tmp_path: Path, task: str, capsys: pytest.CaptureFixture[str]) -> None:
    classified = task == "classification"
    labels = images(tmp_path, 90, (lambda shade: "dark" if shade < 120 else "light") if classified else float)
    assert fit(labels, task=task) == 0
    found = manifest(labels)
    assert found["task"] == f"image-{task}"
    assert found["classes"] == (["dark", "light"] if classified else None)
    assert found["image"] == {"mode": "L", "height": 28, "width": 28, "resize": True}
    assert {part: errors["rows"] for part, errors in found["metrics"].items()} == {
        "validation": 11,
        "interpolation": 18,
    }
    expect_evaluation(labels, found["metrics"]["interpolation"])
    reported = capsys.readouterr().out
    assert "61 images to train on, 11 to choose the epoch by, 18 held out." in reported
    for line in ("validation       NAC head: ", "as in training   NAC head: ", "NAC head: weights of epoch "):
        assert line in reported
    assert reported.count("linear head: ") == 3
    reports = tmp_path / "reports"
    assert sorted(path.name for path in reports.iterdir()) == ["shade-worst.png", "shade.png"]
    assert f"plot     {reports / 'shade.png'}\nworst    {reports / 'shade-worst.png'}\nwritten  " in reported
    for name in ("shade.png", "shade-worst.png"):
        with Image.open(reports / name) as drawn:
            assert len(set(drawn.convert("L").tobytes())) > 20


@pytest.mark.slow
@pytest.mark.usefixtures("without_dry_run")
def test_the_held_out_errors_are_those_of_the_exported_file_on_the_images_as_they_are(tmp_path: Path) -> None:
    labels = images(tmp_path)
    assert fit(labels, "--contrast", "plain", "--size", "16") == 0
    data = read_image_folder(labels, tmp_path, "regression", "L")
    from sklearn.model_selection import train_test_split

    _, test = train_test_split(np.arange(24), test_size=5, random_state=0)
    session = onnxruntime.InferenceSession(tmp_path / "models/shade/1/model.onnx")
    errors = [session.run(None, {"input": data.served[i][None]})[0][0, 0] - data.labels[i] for i in test]
    assert manifest(labels)["metrics"]["interpolation"]["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("without_dry_run")
def test_images_that_keep_their_size_are_counted_in_any_size(tmp_path: Path) -> None:
    labels = dots(tmp_path)
    assert fit(labels, "--size", "keep", "--pool", "sum", "--batch-size", "5") == 0
    found = manifest(labels)
    assert found["image"] == {"mode": "L", "height": 8, "width": 8, "resize": False}
    assert found["inputs"][0]["shape"] == [-1, 1, -1, -1]
    session = onnxruntime.InferenceSession(tmp_path / "models/shade/1/model.onnx")
    for size in ((8, 8), (9, 30), (64, 50)):
        noise = np.random.default_rng(0).integers(0, 256, (2, 1, *size), dtype=np.uint8)
        assert session.run(None, {"input": noise})[0].shape == (2, 1)


@pytest.mark.slow
@pytest.mark.usefixtures("quickly")
def test_ten_images_are_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit(images(tmp_path, 10)) == 0
    assert manifest(tmp_path / "labels.csv")["metrics"].keys() == {"interpolation"}
    assert "8 images to train on, 0 to choose the epoch by, 2 held out." in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("quickly")
def test_values_far_from_zero_are_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = images(tmp_path, label=lambda shade: 2000.5 + shade / 50)
    assert fit(labels, epochs=5) == 0
    assert manifest(labels)["metrics"]["interpolation"]["mae"] < 5
    assert "rounded" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("quickly")
def test_bad_rows_are_named_and_left_out_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = images(tmp_path)
    (tmp_path / "3.png").write_text("text")
    assert fit(labels, "--strict") == 2
    bad = f"row 4: 3.png is not a whole {format_names()} image; convert or replace it"
    assert capsys.readouterr().err == f"nalu-serve: {labels}, {bad}, or leave out --strict to go on without it.\n"
    assert fit(labels) == 0
    reported = capsys.readouterr().out
    assert f"1 of 24 rows cannot be used and is left out:\n  {bad}\n" in reported
    assert Path(reported.splitlines()[-1].partition("files=@")[2]).parent == tmp_path  # one of the user's own images
    assert manifest(labels)["training"]["data"] == "labels.csv: 23 images"


KILLED = """
import os, signal, sys
from training.trainer import checkpointing
from training.vision import user_backbone
from training.__main__ import main

checkpointing.SAVE_INTERVAL_SECONDS = 0
user_backbone.check_export = lambda *_: None  # as "quickly" does
save, left = checkpointing.TrainingCheckpoint.save, int(sys.argv[1])

def killed(self, run, epochs, **more):
    global left
    save(self, run, epochs, **more)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

checkpointing.TrainingCheckpoint.save = killed
main(sys.argv[2:])
"""


@pytest.mark.slow
@pytest.mark.usefixtures("quickly")
def test_a_killed_training_goes_on_and_ends_with_the_weights_of_an_uninterrupted_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, after = images(tmp_path, 30), 2
    options = arguments(labels, "--augment", "views", epochs=4)
    command = [sys.executable, "-c", KILLED, str(after), "fit-images", str(labels), *options]
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": ""}
    done = subprocess.run(command, check=False, env=environment, capture_output=True)
    assert done.returncode == -9
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert main(["fit-images", str(labels), *options]) == 0
        folder = tmp_path / "reports" / "shade.resume"
        assert f"Resuming from {folder}: {after} epochs are done.\n" in capsys.readouterr().out
        assert not folder.exists()
        assert main(["fit-images", str(labels), *options]) == 0
    finally:
        torch.set_num_threads(threads)
    assert "Resuming" not in capsys.readouterr().out
    assert weights(labels, 1) == weights(labels, 2)


@pytest.mark.slow
@pytest.mark.usefixtures("quickly")
def test_an_interruption_says_that_the_same_command_goes_on_and_another_starts_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = images(tmp_path)
    monkeypatch.setattr(checkpointing, "SAVE_INTERVAL_SECONDS", 0)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("training.cli.images_command.export_image_model", interrupted)
        assert fit(labels) == 130
    printed = capsys.readouterr().err
    assert printed.endswith("no half-written model is left behind. The same command resumes it.\n")
    folder = tmp_path / "reports" / "shade.resume"
    anew = f"{folder} is of another command or other images; training starts anew.\n"
    for change in (["--learning-rate", "0.003"], ["--augment", "views"], ["--seed", "1"]):
        with monkeypatch.context() as patch:
            patch.setattr("training.cli.images_command.fit_image_model", interrupted)
            assert fit(labels, *change) == 130
        assert anew in capsys.readouterr().out
    Image.new("L", (12, 12), 3).save(tmp_path / "5.png")
    with monkeypatch.context() as patch:
        patch.setattr("training.cli.images_command.fit_image_model", interrupted)
        assert fit(labels) == 130
    assert anew in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("quickly")
def test_ones_own_backbone_lies_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_eye.py").write_text(
        "from torch import nn\nfrom models.backbones import Backbone\n"
        "def build(in_channels):\n    return Backbone(nn.Conv2d(in_channels, 5, 3), 5)\n"
    )
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.chdir(tmp_path)
    try:
        labels = images(tmp_path)
        assert fit(labels, "--backbone", "own_eye:build") == 0
        again = load_checkpoint(tmp_path / "models/shade/1/weights.safetensors")
        assert again.config["backbone"] == "own_eye:build"
    finally:
        sys.modules.pop("own_eye", None)


def test_a_backbone_that_is_none_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(images(tmp_path), "--backbone", "resnet") == 2
    assert capsys.readouterr().err.startswith("nalu-serve: Unknown backbone 'resnet'. Available: small, local, fine")
    assert not (tmp_path / "reports").exists()


def test_the_device_is_chosen_and_one_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_device(name) for name in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [choose_device(name) for name in ("auto", "cpu")] == ["cpu", "cpu"]
    assert fit(images(tmp_path), "--device", "cuda") == 2
    reported = (
        "nalu-serve: --device cuda: PyTorch finds no CUDA device; use --device auto, or install PyTorch with CUDA.\n"
    )
    assert capsys.readouterr().err == reported


def test_epochs_that_are_not_given_make_about_two_thousand_steps() -> None:
    assert [default_epochs(images, 32) for images in (8, 200, 1000, 10_000)] == [300, 300, 64, 30]


@pytest.mark.parametrize(
    ("option", "rule"),
    [
        (["--size", "7"], "'7' is not a whole number of at least 8, nor keep"),
        (["--size", "kept"], "'kept' is not a whole number of at least 8, nor keep"),
        (["--learning-rate", "0"], "'0' is not a number above 0 and up to 1"),
        (["--learning-rate", "fast"], "'fast' is not a number above 0 and up to 1"),
        (["--batch-size", "0"], "'0' is not a whole number of at least 1"),
        (["--patience", "-1"], "'-1' is not a whole number of at least 0"),
    ],
)
def test_options_out_of_range_say_the_rule(option: list[str], rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["fit-images", "labels.csv", "--images", ".", "--task", "regression", "--name", "x", *option])
    assert rule in capsys.readouterr().err


def test_what_training_sees_is_within_half_a_shade_of_what_is_served(tmp_path: Path) -> None:
    noise = Image.effect_noise((61, 47), 90)
    for name in ("a.png", "b.jpg"):
        noise.save(tmp_path / name)
    (tmp_path / "labels.csv").write_text("file,label\na.png,1\nb.jpg,2\n")
    data = read_image_folder(tmp_path / "labels.csv", tmp_path, "regression", "L", size=20)
    for trained, served in zip(data.images, data.served, strict=True):
        graph = ImagePreprocessing(20, 20)(torch.from_numpy(served)[None]) * 255
        assert (graph - torch.from_numpy(trained)).abs().max() <= 0.5 + 1e-3


@pytest.mark.slow
@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("size", ["16", "keep"])
def test_images_that_memory_does_not_hold_train_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], size: str
) -> None:
    labels = dots(tmp_path, 30)
    assert fit(labels, "--size", size) == 0
    monkeypatch.setattr("training.data.dataset_scan.MAX_IN_MEMORY_BYTES", 100)
    assert fit(labels, "--size", size) == 0
    assert "decoded anew in every epoch" in capsys.readouterr().out
    assert weights(labels, 1) == weights(labels, 2)


@pytest.mark.usefixtures("quickly")
def test_a_training_that_diverges_writes_nothing_and_leaves_nothing_to_resume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpointing, "SAVE_INTERVAL_SECONDS", 0)
    labels, calls = images(tmp_path, 12), []

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return (output[:, 0] - target).square().mean() * (float("nan") if len(calls) > 1 else 1.0)

    monkeypatch.setattr("training.trainer.state.image_loss", loss)
    assert fit(labels, "--learning-rate", "0.5", "--patience", "0", epochs=3) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "nalu-serve: shade: NAC head: the training diverged in epoch 2 of 3, as the loss is nan; "
        "train with less than --learning-rate 0.5, or correct labels far from the others."
    )
    assert list((tmp_path / "models").iterdir()) == list((tmp_path / "reports").iterdir()) == []


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (lambda shade: shade * 1e200, "has the label 2e+201, and networks compute in float32, up to 1e+37: scale the"),
        (
            lambda shade: shade * 1e-200,
            "the labels differ by 9.9e-199 at most, which is too little for networks in flo",
        ),
    ],
)
def test_labels_that_float32_cannot_hold_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], label: Callable[[int], object], message: str
) -> None:
    assert fit(images(tmp_path, 12, label), "--strict") == 2
    assert message in capsys.readouterr().err
