"""The committed repository, served as it is by both backends."""

import io
import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy.stats import binom

from app.http.example_images import example_digit, example_digits
from models.manifest import Manifest, versions
from tests.end_to_end.server import HTTP, ROOT, Server, serve
from training.counting.scene_sampling import Digits, draw_test_scenes
from training.data.sklearn_digits import load_sklearn_digits
from training.recipes import RECIPES

pytestmark = pytest.mark.slow

REPOSITORY = ROOT / "repository"
LAWS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "square": lambda a: a**2,
    "square-root": lambda a: np.sqrt(a),
    "reciprocal": lambda a: 1 / a,
    "ohms-law": lambda voltage, resistance: voltage / resistance,
    "kinetic-energy": lambda mass, speed: mass * speed**2 / 2,
}
FORMULAS = {
    "add": "a + b",
    "subtract": "a - b",
    "multiply": "a * b",
    "divide": "a / b",
    "square": "a**2",
    "square-root": "sqrt(a)",
    "reciprocal": "1 / a",
    "ohms-law": "voltage / resistance",
    "kinetic-energy": "0.5 * mass * speed**2",
}

FRAMED, LABELS = load_sklearn_digits()
OTHERS = Digits(FRAMED[::4], LABELS[::4])
"""Digits outside all training data, by other people and from another scanner."""


@pytest.fixture(scope="module", params=["onnx", "torchscript"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "torchscript":
        yield request.getfixturevalue("torchscript_server")
        return
    with serve(REPOSITORY, NALU_DEVICE="cpu") as running:
        yield running


def png(image: np.ndarray, file_format: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, file_format)
    return content.getvalue()


def read(server: Server, model: str, contents: list[bytes]) -> list[dict[str, object]]:
    files = [("files", (f"{i}.png", content)) for i, content in enumerate(contents)]
    answer = HTTP.post(f"{server.url}/predict/image", data={"model": model}, files=files)
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def test_every_recipe_has_its_model_and_every_model_its_recipe() -> None:
    assert sorted(path.name for path in REPOSITORY.iterdir() if not path.name.startswith(".")) == RECIPES.names()


@pytest.mark.parametrize("name", RECIPES.names())
def test_hashes_are_right_and_nothing_else_lies_there(name: str) -> None:
    for version in versions(REPOSITORY / name):
        folder = REPOSITORY / name / str(version)
        manifest = Manifest.read(folder)
        assert {path.name for path in folder.iterdir()} == {"manifest.json", *manifest.files}
        for file in manifest.files:
            manifest.read_file(folder, file)
        assert manifest.training.command == f"python -m training zoo {name}"


def test_the_promise_of_the_readme(server: Server) -> None:
    body = {"model": "add", "inputs": [[3, 4], [1000, -250]]}
    answer = HTTP.post(f"{server.url}/predict/arithmetic", json=body).json()
    assert answer["predictions"] == [[pytest.approx(7, rel=1e-6)], [pytest.approx(750, rel=1e-6)]]
    assert answer["formula"] == "a + b"
    assert answer["extrapolated"] == [False, True]


@pytest.mark.parametrize("name", LAWS)
def test_arithmetic_is_exact_to_a_million_times_the_training_range(server: Server, name: str) -> None:
    manifest = Manifest.read(REPOSITORY / name / "1")
    random = np.random.default_rng(99)
    x = 10 ** random.uniform(1, 7, (10_000, len(manifest.columns)))
    x *= 1 if name == "square-root" else random.choice([-1, 1], x.shape)
    answer = HTTP.post(f"{server.url}/predict/arithmetic", json={"model": name, "inputs": x.tolist()}).json()
    expected = LAWS[name](*x.T)
    np.testing.assert_allclose(np.array(answer["predictions"])[:, 0], expected, rtol=1e-12, atol=0)
    assert all(answer["extrapolated"])
    assert answer["formula"] == FORMULAS[name]


def test_a_division_by_zero_is_null_and_named(server: Server) -> None:
    body = {"model": "divide", "inputs": [[6, 3], [1, 0], [8, 2]]}
    answer = HTTP.post(f"{server.url}/predict/arithmetic", json=body).json()
    assert answer["predictions"] == [[pytest.approx(2)], None, [pytest.approx(4)]]
    assert [warning["row"] for warning in answer["warnings"]] == [1]


def test_digits_of_another_collection_are_read(server: Server) -> None:
    digits = OTHERS
    labels, values = [], []
    for start in range(0, len(digits.labels), 50):
        contents = [png(image) for image in digits.images[start : start + 50]]
        labels += [int(answer["label"]) for answer in read(server, "digit", contents)]
        values += [answer["value"] for answer in read(server, "digit-value", contents)]
    assert (np.array(labels) == digits.labels).sum() >= least_right(len(labels))
    assert np.abs(np.array(values, dtype=float) - digits.labels).mean() < 0.6


@pytest.mark.parametrize(("count", "images"), [(0, 8), (3, 60), (20, 8)])
def test_digits_that_training_never_saw_are_counted_and_added(server: Server, count: int, images: int) -> None:
    drawn = draw_test_scenes(OTHERS, count, images, seed=0)
    contents = [png(255 - image[0]) for image in drawn.images]
    counted = [answer["value"] for answer in read(server, "digit-count", contents)]
    np.testing.assert_allclose(counted, drawn.counts, atol=1e-3)
    added = [answer["value"] for answer in read(server, "digit-sum", contents)]
    assert np.abs(np.array(added) - drawn.sums).mean() <= 0.3 * count


def least_right(images: int) -> int:
    """Correct answers that a model of the published accuracy on this collection falls short of once in a thousand."""
    page = (ROOT / "docs" / "results" / "images-cross-dataset.md").read_text(encoding="utf-8")
    published = re.search(r"\| `digit` \| ([\d.]+)% right \|", page)
    assert published is not None
    return int(binom.ppf(0.001, images, float(published[1]) / 100))


VIEWS = ((24, "PNG", 0, 255), (60, "JPEG", 255, 30), (300, "WEBP", 40, 200))
"""Size in pixels, file format, shades of ink and paper."""


def test_handwritten_digits_of_any_size_format_and_shade_are_read_as_well_as_published(server: Server) -> None:
    contents, frames, truth = [], FRAMED[1::10], LABELS[1::10]
    for i, frame in enumerate(frames):
        size, file_format, ink, paper = VIEWS[i % len(VIEWS)]
        resized = np.asarray(Image.fromarray(frame).resize((size, size), Image.Resampling.BICUBIC)) / 255
        contents.append(png((paper + (ink - paper) * resized).round().astype(np.uint8), file_format))
    answers = [answer for start in (0, 60, 120) for answer in read(server, "digit", contents[start : start + 60])]
    right = [answer["label"] == str(label) for answer, label in zip(answers, truth, strict=True)]
    assert sum(right) >= least_right(len(truth))


def test_printed_digits_of_any_size_and_format_are_read(server: Server) -> None:
    contents, truth = [], []
    for size, file_format, ink, paper in VIEWS:
        for digit in "02345789":  # not this typeface's 1, whose flag is a 7's, and its 6, as round as a 0
            image = Image.new("L", (round(size * 1.3), round(size * 1.5)), paper)
            font = ImageFont.load_default(size)
            ImageDraw.Draw(image).text((size * 0.65, size * 0.75), digit, ink, font, anchor="mm")
            contents.append(png(np.asarray(image), file_format))
            truth.append(digit)
    answers = read(server, "digit", contents)
    right = [answer["label"] == label for answer, label in zip(answers, truth, strict=True)]
    assert sum(right) >= least_right(len(truth)), answers


def test_the_example_of_the_docs_page_is_a_three_for_both_models(server: Server) -> None:
    [answer] = read(server, "digit", [example_digit()])
    assert answer["label"] == "3"
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    [answer] = read(server, "digit-value", [example_digit()])
    assert answer["value"] == pytest.approx(3, abs=0.2)


def test_the_image_of_several_digits_is_counted_added_and_multiplied(server: Server) -> None:
    truth = {
        "digit-count": 8,
        "digit-sum": 3 + 7 + 1 + 4 + 2 + 5 + 7 + 1,
        "digit-product": 3 * 7 * 1 * 4 * 2 * 5 * 7 * 1,
    }
    for name, total in truth.items():
        [answer] = read(server, name, [example_digits()])
        assert answer["value"] == pytest.approx(total, rel=1e-6)


def test_manifests_say_their_errors(server: Server) -> None:
    for manifest in HTTP.get(f"{server.url}/models").json()["models"]:
        for part in ("interpolation", "extrapolation"):
            assert manifest["metrics"][part]["rows"] > 0
        stored = json.loads((REPOSITORY / manifest["name"] / "1" / "manifest.json").read_text())
        assert manifest == stored
