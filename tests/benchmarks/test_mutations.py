"""benchmarks.mutations: what it sends, and that a small run of it finds nothing."""

import asyncio
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.mutations.__main__ import is_good, report
from benchmarks.mutations.mutate import mutated
from benchmarks.mutations.samples import samples
from benchmarks.mutations.trial import Outcome, cases, run
from models.decoding import EncodedImage
from tests.docs.pages import ROOT

RESULT = json.loads((ROOT / "docs/results/mutations.json").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.filterwarnings(r"ignore:::PIL\.")
def test_two_hundred_mutated_files_get_no_server_error_and_training_agrees(tmp_path: Path) -> None:
    outcome = asyncio.run(run(200, seed=3))
    outcome.write(tmp_path / "outcome.json")
    assert sum(sum(counted.values()) for counted in outcome.statuses.values()) == 200
    assert is_good(json.loads((tmp_path / "outcome.json").read_text(encoding="utf-8")))
    assert min(sum(counted[status] for counted in outcome.statuses.values()) for status in ("200", "415")) > 40


@pytest.mark.parametrize("kind", samples())
def test_every_sample_is_sound_and_has_its_format(kind: str) -> None:
    for content in samples()[kind]:
        image = EncodedImage(content)
        assert image.decode("RGB").shape[0] == 3
        assert image.warning is None
        assert content != mutated(content, "1")


def test_a_case_is_the_same_for_its_number_and_seed() -> None:
    first, again, other = (list(cases(12, seed)) for seed in (1, 1, 2))
    assert first == again
    assert [case.kind for case in first] == list(samples()) * 2
    assert first != other


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"statuses": {"PNG": {"200": 1, "500": 1}}}, False),
        ({"disagreements": [7]}, False),
        ({"resident": [100, 110, 120, 400]}, False),
        ({"resident": [100, 300, 300, 300]}, True),
    ],
)
def test_a_result_is_good_without_server_errors_disagreements_and_growth(
    changes: dict[str, object], good: bool
) -> None:
    sound = vars(Outcome(statuses={}, resident=[100, 110, 110, 110]))
    assert is_good({**sound, **changes}) == good


def test_the_committed_result_is_good_and_its_page_is_of_ten_thousand_files() -> None:
    assert RESULT["number"] == 10_000
    assert is_good(RESULT)
    assert (ROOT / "docs/results/mutations.md").read_text(encoding="utf-8") == report(RESULT)


def test_the_samples_cover_what_decoders_have_code_for() -> None:
    """A palette, transparency, 16 bits, floats, CMYK and animations are among them."""
    found = set()
    for contents in samples().values():
        for content in contents:
            with Image.open(io.BytesIO(content)) as image:
                found |= {image.mode, f"{getattr(image, 'n_frames', 1)} frames"}
    assert {"1", "L", "P", "RGB", "RGBA", "I;16", "F", "CMYK", "LAB", "2 frames"} <= found
