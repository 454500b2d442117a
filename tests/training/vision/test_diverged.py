"""Image networks whose training diverges, and outputs that are not finite: reported in words, never as a class."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.cli.report import _image_errors
from training.data.labeled_images import LabeledImages
from training.errors import DivergedError, InputError
from training.vision import fit as vision_fit
from training.vision.config import TrainConfig
from training.vision.fit import errors_of, fit_image_model
from training.vision.plots import draw_report
from training.vision.split import ImageSplit
from training.vision.user_backbone import check_network

IMAGES = [np.random.default_rng(i).integers(0, 256, (1, 12, 12), dtype=np.uint8) for i in range(12)]
VALUES = LabeledImages(IMAGES, np.arange(12.0))
CLASSES = LabeledImages(IMAGES, np.arange(12.0) % 2)


def config(classes: list[str] | None = None, **network: Any) -> TrainConfig:
    options = {"height": 12, "width": 12, **network}
    return TrainConfig("it", classes, "NAC", 0, "", "", "", epochs=2, network=options, max_lr=0.5)


@pytest.mark.parametrize(
    ("classes", "advice"),
    [(None, "--learning-rate 0.5, or correct labels far from the others"), (["a", "b"], "--learning-rate 0.5")],
)
def test_a_network_that_diverges_names_its_head_epoch_and_the_options_to_change(
    monkeypatch: pytest.MonkeyPatch, classes: list[str] | None, advice: str
) -> None:
    monkeypatch.setattr("training.trainer.state.image_loss", lambda output, labels: output.sum() * math.nan)
    message = (
        rf"^it: NAC head: the training diverged in epoch 1 of 2, as the loss is nan; train with less than {advice}\.$"
    )
    with pytest.raises(DivergedError, match=message):
        fit_image_model(config(classes), CLASSES if classes else VALUES, {})


def _train(spoiled: str, value: float) -> Any:
    """In the place of training: heads whose training diverges, or that are left with a bias that is not finite."""

    def train(network: Any, _: object, __: object, ___: object, title: str, ____: object) -> str:
        if spoiled in title:
            if math.isnan(value):
                raise DivergedError(f"{title}: diverged.")
            next(network.network.conv_model.parameters()).data.fill_(value)
        network.eval()
        return ""

    return train


@pytest.mark.parametrize("classes", [None, ["a", "b"]])
def test_a_linear_head_that_diverges_is_left_out_of_metrics_and_plots(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, classes: list[str] | None
) -> None:
    monkeypatch.setattr(vision_fit, "train_image_network", _train("linear", math.nan))
    examples = CLASSES if classes else VALUES
    fitted = fit_image_model(config(classes), examples, {"interpolation": examples})
    assert fitted.baseline is None
    assert "plain_head" not in fitted.metrics["interpolation"]
    assert fitted.notes == ["No comparison with a linear head: it: linear head: diverged."]
    parts = ImageSplit(examples, None, examples, None, [])
    assert len(draw_report(fitted, config(classes), parts, tmp_path)) == 2


def test_a_network_that_gives_nothing_finite_for_any_held_out_image_has_diverged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vision_fit, "train_image_network", _train("NAC", math.inf))
    with pytest.raises(
        DivergedError, match=r"^it: no held-out image gives a finite number; train with less than --learn"
    ):
        fit_image_model(config(), VALUES, {"interpolation": VALUES})


def test_an_output_that_is_not_finite_is_no_class_and_no_mean() -> None:
    probabilities = np.full((4, 2), np.nan)
    assert errors_of(probabilities, ["a", "b"], np.array([0.0, 0.0, 1.0, 1.0])) == {"rows": 4, "accuracy": 0.0}
    overflown = errors_of(np.array([[1.0], [np.inf]]), None, np.array([1.0, 2.0]))
    assert overflown == {"rows": 2, "mae": None, "rmse": None, "rounded_accuracy": 0.5}
    assert errors_of(np.empty((0, 1)), None, np.empty(0)) == {"rows": 0}


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        ({"rows": 2, "mae": None, "rmse": None}, "mean error not finite"),
        ({"rows": 2, "mae": None, "rmse": None, "rounded_accuracy": 0.0}, "mean error not finite, rounded 0.00% right"),
        ({"rows": 0}, "no images"),
        ({"rows": 2, "accuracy": 0.5}, "50.00% right"),
    ],
)
def test_the_report_has_words_for_errors_that_are_not_finite(errors: dict[str, Any], text: str) -> None:
    assert _image_errors(errors) == text


def test_plots_leave_out_what_is_not_finite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for classes, examples, width in ((["a", "b"], CLASSES, 2), (None, VALUES, 1)):
        monkeypatch.setattr(vision_fit, "train_image_network", _train("nothing", math.nan))
        fitted = fit_image_model(config(classes), examples, {"interpolation": examples})
        spoiled = np.full((12, width), np.nan)
        fitted.predictions["interpolation"][0][:] = spoiled  # type: ignore[index]
        assert len(draw_report(fitted, config(classes), ImageSplit(examples, None, examples, None, []), tmp_path)) == 2


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("torch.nn.init.constant_(layer.weight, float('nan'))", "the weight '0.weight' is nan"),
        ("layer.bias.data[1] = float('inf')", "the weight '0.bias' is inf"),
        (
            "layer.register_buffer('centre', torch.tensor([float('nan')]))\n    layer.weight.data *= layer.centre",
            "the we",
        ),
        ("layer.weight.data.fill_(3e38)", "its layers overflow"),
    ],
)
def test_a_backbone_that_is_not_finite_before_any_training_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, cause: str
) -> None:
    name = f"own_{abs(hash(body))}"
    (tmp_path / f"{name}.py").write_text(
        "import torch\nfrom models.backbones import Backbone\n"
        f"def build(channels):\n    layer = torch.nn.Conv2d(channels, 2, 3)\n    {body}\n"
        "    return Backbone(torch.nn.Sequential(layer), 2)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    message = (
        rf"^Backbone '{name}:build' gives numbers that are not finite before any training, as {cause}.*; correct it\.$"
    )
    with pytest.raises(InputError, match=message):
        check_network(config(backbone=f"{name}:build"), VALUES)
    assert torch.is_grad_enabled()
