"""The benchmark of decoding: its images, its page, and on a few of its images what it measures on all of them."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.decoding.answers import LARGEST_DIFFERENCE, MODELS, SIDE, files
from benchmarks.decoding.drawn_images import KINDS, draw
from benchmarks.decoding.report import render
from benchmarks.serving.fastapi_baseline import load
from models.arrays import ByteArray
from models.decoding import EncodedImage
from tests.app.factory import TestClient, running
from tests.app.images import upload
from tests.end_to_end.server import ROOT

FEW = [content for kind in ("scan", "text", "edges", "digit") for content in files(kind, ((320, 240),), (30,))]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root: Path = tmp_path_factory.mktemp("repository")
    for name in MODELS:
        (root / name).symlink_to(ROOT / "repository" / name)
    with running(root) as client:
        yield client


def full(content: bytes) -> ByteArray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))[None]


@pytest.mark.parametrize("name", MODELS)
def test_answers_to_jpegs_are_those_of_a_full_decode(client: TestClient, name: str) -> None:
    session = load(name)
    for content, prediction in zip(FEW, upload(client, name, *FEW).json()["predictions"], strict=True):
        expected = session.run(None, {"input": full(content)[None]})[0][0]
        found = [prediction["value"]] if name == "digit-value" else list(prediction["probabilities"].values())
        assert np.abs(found - expected).max() <= LARGEST_DIFFERENCE


def test_of_the_same_images_some_would_be_answered_otherwise_if_all_were_reduced() -> None:
    session = load("digit")
    pairs = [(EncodedImage(content).decode("L", SIDE), full(content)) for content in FEW]
    found = [[session.run(None, {"input": pixels[None]})[0][0] for pixels in pair] for pair in pairs]
    assert max(np.abs(reduced - expected).max() for reduced, expected in found) > 5 * LARGEST_DIFFERENCE


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_in_the_size_that_is_asked_for_and_alike_each_time(kind: str) -> None:
    first, again, other = (np.asarray(draw(kind, 97, 61, seed)) for seed in (0, 0, 1))
    assert first.shape == (61, 97, 3)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


RESULTS: dict[str, Any] = json.loads((ROOT / "docs/results/decoders.json").read_text(encoding="utf-8"))


def test_the_page_is_what_the_results_are_rendered_as() -> None:
    assert (ROOT / "docs/results/decoders.md").read_text(encoding="utf-8") == render(RESULTS)


def test_the_committed_answers_keep_the_limit_on_every_kind_of_image() -> None:
    assert RESULTS["answers"].keys() == KINDS.keys()
    for seen in RESULTS["answers"].values():
        assert max(seen["digit"], seen["value"]) <= LARGEST_DIFFERENCE
