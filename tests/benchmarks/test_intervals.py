"""The benchmark of intervals: its committed page is that of its results, and they keep the promise of the docs."""

import json

import numpy as np
import pytest

from benchmarks.laws.intervals import CENTRES, markdown, trial
from tests.docs.pages import ROOT, read

KEPT = json.loads((ROOT / "docs/results/intervals.json").read_text(encoding="utf-8"))


def test_the_page_is_that_of_the_results() -> None:
    assert read("docs/results/intervals.md") == markdown(KEPT)


@pytest.mark.parametrize("place", ["inside", "twice"])
def test_95_percent_intervals_hold_93_to_97_percent_of_new_observations_over_200_tables(place: str) -> None:
    shares = [result[place]["intervals"] for result in KEPT["normal"]["results"]]
    assert len(shares) == 200
    assert 0.93 <= np.mean(shares) <= 0.97


def test_a_table_is_drawn_by_its_number_and_has_a_share_for_each_kind_of_interval() -> None:
    result, kept = trial("normal", KEPT["normal"]["seed"], 3), KEPT["normal"]["results"][3]
    assert result is not None
    assert [result[name] for name in ("law", "rows", "noise")] == [kept[name] for name in ("law", "rows", "noise")]
    assert list(result["inside"]) == list(CENTRES)
    assert result["inside"] == pytest.approx(kept["inside"], abs=0.05)
