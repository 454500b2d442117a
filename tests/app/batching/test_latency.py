"""What a batch is expected to take, from what earlier ones took."""

from math import inf

import pytest

from app.batching.limiter import LatencyEstimator


@pytest.mark.parametrize(("rows", "expected"), [(1, inf), (3, inf), (4, 0.5), (7, 0.5), (8, 1.0), (31, 2.0), (0, 0.0)])
def test_a_size_is_expected_to_take_what_the_next_smaller_known_one_did_doubled_for_each_power_of_two(
    rows: int, expected: float
) -> None:
    latency = LatencyEstimator()
    latency.record(5, 0.5)
    assert latency.seconds(rows) == expected


def test_one_slow_batch_at_most_doubles_what_is_expected_and_one_quick_one_resets_it() -> None:
    latency = LatencyEstimator()
    expected = []
    for seconds in (0.001, 1.0, 1.0, 0.0005):
        latency.record(1, seconds)
        expected.append(latency.seconds(1))
    assert expected == [0.001, 0.002, 0.004, 0.0005]
    assert latency.last == 0.0005


def test_an_empty_batch_teaches_nothing_about_others() -> None:
    latency = LatencyEstimator()
    latency.record(1, 0.25)
    latency.record(0, 0.0)
    assert latency.seconds(1) == 0.25
