"""Graphs of images: what they were trained with stands before them, and /predict/image serves them."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper
from PIL import Image

from tests.app.factory import running
from tests.training.onnx_import.graphs import FLOAT, expect_refused, import_file, imported, model_of, value, write
from training.__main__ import main
from training.onnx_import.batch import with_free_batch
from training.onnx_import.images import ImageOptions, make_image_graph
from training.onnx_import.session import open_session
from training.onnx_import.signature import inputs_of, outputs_of

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (2, 3, 4, 6), dtype=np.uint8)
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


def echo(shape: list[int | str], opset: int = 17) -> onnx.ModelProto:
    """A graph that returns its pixels, one row an image, so that a test sees what reaches it."""
    return model_of(
        [helper.make_node("Flatten", ["image"], ["pixels"], axis=1)],
        [value("image", FLOAT, shape)],
        [value("pixels", FLOAT, ["N", "P"])],
        opset=opset,
    )


def classifier(logits: bool) -> onnx.ModelProto:
    """The mean of each of three channels, as logits or as probabilities."""
    mean = helper.make_node("GlobalAveragePool", ["image"], ["mean"])
    last = helper.make_node(
        "Identity" if logits else "Softmax", ["mean"], ["scores"], **({} if logits else {"axis": 1})
    )
    return model_of([mean, last], [value("image", FLOAT, ["N", 3, 4, 6])], [value("scores", FLOAT, ["N", 3, 1, 1])])


def reaching(path: Path, pixels: NDArray[np.uint8], *options: object) -> NDArray[np.float32]:
    """What reaches the graph of ``echo``, which has more outputs than a model of images may have."""
    model = onnx.load(path)
    inputs, outputs = inputs_of(model, path), outputs_of(model, path)
    model, _ = with_free_batch(model, inputs, path)
    image = make_image_graph(model, inputs, outputs, ImageOptions(**dict(options)), path)  # type: ignore[arg-type]
    return np.asarray(open_session(image.model, "it").run(None, {"image": pixels})[0])


def normalized(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As torchvision's ToTensor and Normalize do it."""
    mean, std = (np.array(values, np.float32).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    return (pixels.astype(np.float32) / np.float32(255) - mean) / std


def test_pixels_are_scaled_and_normalized_by_channel(tmp_path: Path) -> None:
    path = write(tmp_path, echo(["N", 3, 4, 6]))
    found = reaching(path, PIXELS, ("channels", "RGB"), ("mean", MEAN), ("std", STD))
    np.testing.assert_allclose(found, normalized(PIXELS).reshape(2, -1), rtol=0, atol=1e-6)


def test_channels_may_be_in_the_other_order_and_behind_the_sizes(tmp_path: Path) -> None:
    path = write(tmp_path, echo(["N", 4, 6, 3]))
    found = reaching(path, PIXELS, ("channels", "BGR"), ("scale", 1.0), ("mean", [1.0, 2.0, 3.0]))
    expected = PIXELS.transpose(0, 2, 3, 1)[..., ::-1].astype(np.float32) - np.array([1, 2, 3], np.float32)
    np.testing.assert_allclose(found, expected.reshape(2, -1), rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(9, 5), (3, 17), (4, 6)])
@pytest.mark.parametrize("opset", [11, 21])
def test_images_of_any_size_are_resized_as_pytorch_resizes_with_antialias(
    tmp_path: Path, size: tuple[int, int], opset: int
) -> None:
    path = write(tmp_path, echo(["N", 1, "H", "W"], opset))
    pixels = RANDOM.integers(0, 256, (2, 1, *size), dtype=np.uint8)
    found = reaching(path, pixels, ("channels", "L"), ("size", (4, 6)))
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(pixels).float() / 255, size=(4, 6), mode="bilinear", antialias=True
    )
    np.testing.assert_allclose(found, expected.reshape(2, -1).numpy(), rtol=0, atol=2e-6)


def classes_file(folder: Path) -> Path:
    path = folder / "classes.txt"
    path.write_text("red\ngreen\nblue\n")
    return path


def png(pixels: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("logits", [True, False])
def test_a_classifier_answers_with_labels_and_probabilities(tmp_path: Path, logits: bool) -> None:
    options: list[Any] = ["--channels", "RGB", "--mean", *MEAN, "--std", *STD, "--classes", classes_file(tmp_path)]
    folder = import_file(write(tmp_path, classifier(logits)), "--name", "hue", *options, *["--softmax"] * logits)
    files = [("files", (str(index), png(image))) for index, image in enumerate(PIXELS)]
    with running(folder.parents[1]) as client:
        response = client.post("/predict/image", data={"model": "hue"}, files=files).json()
        metadata = client.get("/v2/models/hue").json()
    scores = normalized(PIXELS).mean((2, 3))
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    found = [list(each["probabilities"].values()) for each in response["predictions"]]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    names = ["red", "green", "blue"]
    assert [each["label"] for each in response["predictions"]] == [names[place] for place in expected.argmax(1)]
    assert metadata["inputs"] == [{"name": "image", "datatype": "UINT8", "shape": [-1, 3, -1, -1]}]


def test_a_regression_answers_with_a_value(tmp_path: Path) -> None:
    mean = helper.make_node("ReduceMean", ["image"], ["brightness"], axes=[1, 2, 3], keepdims=0)
    model = model_of([mean], [value("image", FLOAT, ["N", 3, 4, 6])], [value("brightness", FLOAT, ["N"])])
    folder = import_file(write(tmp_path, model), "--name", "brightness", "--channels", "RGB", "--scale", 1)
    with running(folder.parents[1]) as client:
        response = client.post("/predict/image", data={"model": "brightness"}, files={"files": png(PIXELS[0])}).json()
    assert response["predictions"][0]["value"] == pytest.approx(PIXELS[0].mean(), abs=1e-4)
    assert response["warnings"] == []


def test_a_fixed_batch_of_one_is_no_hindrance(tmp_path: Path) -> None:
    model = classifier(logits=False)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    manifest, session = imported(write(tmp_path, model), "--channels", "RGB", "--classes", classes_file(tmp_path))
    assert session.run(None, {"image": PIXELS})[0].shape == (2, 3)
    assert (manifest.image.mode, manifest.image.height, manifest.image.width) == ("RGB", 4, 6)  # type: ignore[union-attr]


TAKES = (
    "{path}: input 'image' is FP32 of shape [-1, 3, 4, 6], and images of --channels L are floats of shape "
    "[-1, 1, height, width] or [-1, height, width, 1]; correct --channels or --layout."
)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--channels", "L"], TAKES),
        (
            ["--channels", "RGB", "--layout", "NHWC"],
            TAKES.replace("--channels L", "--channels RGB").replace("1", "3").replace("-3", "-1"),
        ),
        (
            ["--channels", "RGB", "--image-size", "5x6"],
            "{path} takes images of 4x6 pixels, not 5x6; leave out --image-size.",
        ),
        (["--channels", "RGB"], "{path} returns 3 values for an image; name the classes with --classes."),
        (
            ["--channels", "RGB", "--mean", "1", "2"],
            "--mean is 1 2; give one number, or one for each channel of RGB.",
        ),
        (["--softmax"], "--softmax is for images; say with --channels what the graph takes."),
        (["--image-size", "4"], "--image-size is for images; say with --channels what the graph takes."),
    ],
)
def test_options_that_do_not_fit_the_graph_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    expect_refused(write(tmp_path, classifier(logits=True)), capsys, message, *options)


def test_logits_and_probabilities_are_not_mistaken_for_one_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options: list[Any] = ["--channels", "RGB", "--classes", classes_file(tmp_path)]
    path = write(tmp_path, classifier(logits=False))
    already = "{path} returns probabilities already, whose softmax would be wrong; leave out --softmax."
    expect_refused(path, capsys, already, *options, "--softmax")
    path = write(tmp_path, classifier(logits=True))
    assert main(["import", str(path), "--repository", str(tmp_path / "repository"), *map(str, options)]) == 2
    assert re.fullmatch(
        rf"nalu-serve: {re.escape(str(path))} returns values such as (\S+, ){{2}}\S+, which are no probabilities of 3 "
        r"classes; give --softmax if they are logits, or leave out --classes\.\n",
        capsys.readouterr().err,
    )


def test_an_image_of_any_size_needs_one_that_it_is_resized_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = classifier(logits=True)
    for axis, name in ((2, "H"), (3, "W")):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    message = "{path} takes images of any size; say with --image-size what they are resized to, as 224 or 480x640."
    path = write(tmp_path, model)
    expect_refused(path, capsys, message, "--channels", "RGB")
    options: list[Any] = ["--channels", "RGB", "--image-size", "8x5", "--softmax", "--classes", classes_file(tmp_path)]
    manifest, _ = imported(path, *options)
    assert (manifest.image.height, manifest.image.width) == (8, 5)  # type: ignore[union-attr]
