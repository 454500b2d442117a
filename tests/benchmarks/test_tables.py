"""Tables in random dialects of pandas and Excel: the numbers that were written, or a sentence."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from benchmarks.tables import dialects
from benchmarks.tables.dialects import DIALECTS, Dialect
from benchmarks.tables.reading import REPAIR, Unwritable, read


@pytest.mark.slow
def test_two_hundred_dialects_are_read_exactly_or_refused_with_a_repair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "ROWS", 12)
    outcomes: Counter[str] = Counter()

    @settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(DIALECTS)
    def check(dialect: Dialect) -> None:
        try:
            result = read(dialect, tmp_path)
        except Unwritable:
            return
        outcomes["refused" if result.refusal else "read"] += 1
        if result.refusal:
            assert REPAIR.search(result.refusal), result.refusal
            assert len(result.refusal) < 400
        else:
            np.testing.assert_array_equal(result.table.inputs[:, -2:], result.written[:, :2])
            np.testing.assert_array_equal(result.table.target, result.written[:, 2:])

    check()
    assert outcomes.total() >= 200
    assert outcomes["refused"] < outcomes.total() / 5
