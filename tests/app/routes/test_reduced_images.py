"""JPEGs decoded at a reduced size: an answer that a full decode could change is computed again from one."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.batching.reduced_first import ReducedFirst
from app.batching.scheduler import BatchScheduler
from app.codecs.images import MIN_REDUCED_PROBABILITY
from app.codecs.uploads import Upload
from tests.app.factory import TestClient, running, write_image
from tests.app.images import encode, grey, upload

LABELS = ("dark", "bright")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root: Path = tmp_path_factory.mktemp("repository")
    write_image(root, "shade", "classes")
    write_image(root, "brightness", "brightness")
    with running(root, access_log=True) as client:
        yield client


@pytest.fixture(autouse=True)
def sure_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins as if all answers before it had been sure."""
    fresh = ReducedFirst()
    monkeypatch.setattr(BatchScheduler, "reduced_first", lambda *_: fresh)


@pytest.fixture
def reopened(monkeypatch: pytest.MonkeyPatch) -> list[Upload]:
    """The images that are decoded a second time."""
    found: list[Upload] = []
    reopen = Upload.reopen
    monkeypatch.setattr(Upload, "reopen", lambda self: (found.append(self), reopen(self)))
    return found


def jpeg(level: float, seed: int = 0, **options: Any) -> bytes:
    """Noise around a level; what lies beyond black and white is clipped in a full decode, and averaged in others."""
    drawn = np.random.default_rng(seed).normal(level, 60, (160, 240, 3))
    image = Image.fromarray(drawn.clip(0, 255).astype(np.uint8))
    return encode(image, "JPEG", **{"quality": 50, "subsampling": 0} | options)


def mean(content: bytes) -> float:
    """The brightness of a full decode by Pillow, as a share of white."""
    return float(np.asarray(Image.open(io.BytesIO(content)).convert("L")).mean()) / 255


def reduced_mean(content: bytes) -> float:
    return float(Upload(content, "File 0", 10**6, needed=6).decode("L").mean()) / 255


def probabilities(client: TestClient, *contents: bytes) -> list[float]:
    answer = upload(client, "shade", *contents).json()
    return [prediction["probabilities"]["bright"] for prediction in answer["predictions"]]


def test_an_unsure_answer_is_that_of_a_full_decode(client: TestClient, reopened: list[Upload]) -> None:
    content = jpeg(20)
    assert abs(reduced_mean(content) - mean(content)) > 0.005
    assert probabilities(client, content) == pytest.approx([mean(content)], abs=1e-6)
    assert len(reopened) == 1


def test_a_sure_answer_is_given_at_once_and_is_within_a_hundredth(client: TestClient, reopened: list[Upload]) -> None:
    content = grey(255, 160, 240, "JPEG")
    assert probabilities(client, content) == pytest.approx([1], abs=0.01)
    assert reopened == []


@pytest.mark.parametrize(("columns", "again"), [(56, False), (64, True)])
def test_the_limit_is_a_probability_of_0_999(
    client: TestClient, reopened: list[Upload], columns: int, again: bool
) -> None:
    """White, but for some of 240 columns that are a shade darker."""
    pixels = np.full((160, 240), 255, np.uint8)
    pixels[:, :columns] = 254
    content = encode(Image.fromarray(pixels), "JPEG", quality=100)
    assert mean(content) == pytest.approx(1 - columns / 240 / 255, abs=1e-9)
    assert (mean(content) < MIN_REDUCED_PROBABILITY == 0.999) == again
    assert probabilities(client, content) == pytest.approx([mean(content)], abs=1e-6)
    assert bool(reopened) == again


def test_of_several_images_only_the_unsure_are_decoded_again(client: TestClient, reopened: list[Upload]) -> None:
    contents = [grey(255, 160, 240, "JPEG"), jpeg(120), grey(0, 160, 240, "JPEG"), jpeg(30, 1), grey(7)]
    expected = [1, mean(contents[1]), 0, mean(contents[3]), 7 / 255]
    assert probabilities(client, *contents) == pytest.approx(expected, abs=1e-6)
    assert [image.name.subject for image in reopened] == ["File 1 is", "File 3 is"]


def test_where_answers_are_seldom_sure_images_are_decoded_once_and_in_full(
    client: TestClient, reopened: list[Upload]
) -> None:
    contents = [jpeg(level, level) for level in range(30, 50)]
    for content in contents:
        assert probabilities(client, content) == pytest.approx([mean(content)], abs=1e-6)
    assert len(reopened) == 6
    assert probabilities(client, *contents) == pytest.approx([mean(content) for content in contents], abs=1e-6)
    assert len(reopened) == 8  # every sixteenth is tried


def test_a_regression_has_no_probability_and_is_answered_from_a_full_decode(client: TestClient) -> None:
    content = jpeg(20)
    answer = upload(client, "brightness", content).json()["predictions"][0]["value"]
    assert answer == pytest.approx(255 * mean(content), abs=1e-3)


def test_an_image_counts_once_however_often_it_is_decoded(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "app.access")
    probabilities(client, jpeg(20), grey(7))
    (record,) = [record for record in caplog.records if record.name == "app.access"]
    assert vars(record)["rows"] == 2


def test_a_warning_is_given_once_where_the_image_is_decoded_twice(client: TestClient) -> None:
    answer = upload(client, "shade", jpeg(20).removesuffix(b"\xff\xd9")).json()
    assert [warning["message"][:40] for warning in answer["warnings"]] == ["The JPEG lacks its end marker, as if it "]
