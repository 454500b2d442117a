"""app.codecs.tabular.encode_response: few rows and many, one output and several, are written by different means."""

import json
import math
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.codecs.tabular import NOT_FINITE, encode_response
from app.observability.extrapolation import MAX_PYTHON_ROWS
from models.manifest import Manifest
from tests.app.factory import manifest_of

EXTREMES = [0.0, -0.0, 5e-324, -1.7976931348623157e308, 1e16, 1e-7, 0.1, 12.0, 1 / 3, 123456789.125]
MANIFEST = Manifest.model_validate(manifest_of("m", 1))


def response(inputs: NDArray[np.float64], outputs: NDArray[np.float64], manifest: Manifest = MANIFEST) -> Any:
    return json.loads(encode_response(manifest, inputs, outputs))


def bits(rows: list[list[float]]) -> list[bytes]:
    return [struct.pack(f"<{len(row)}d", *row) for row in rows]


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("rows", [1, MAX_PYTHON_ROWS, MAX_PYTHON_ROWS + 1, 100])
def test_every_number_is_written_to_the_bit(rows: int, width: int) -> None:
    outputs = np.resize(np.array(EXTREMES), (rows, width))
    answer = response(np.zeros((rows, 2)), outputs)
    assert bits(answer["predictions"]) == bits(outputs.tolist())
    assert answer["warnings"] == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("rows", [2, MAX_PYTHON_ROWS + 1])
def test_a_row_that_is_not_finite_is_null_and_named_among_others(rows: int, width: int, value: float) -> None:
    outputs = np.ones((rows, width))
    outputs[-1, -1] = value
    answer = response(np.zeros((rows, 2)), outputs)
    assert answer["predictions"] == [*[[1.0] * width] * (rows - 1), None]
    assert answer["warnings"] == [{"row": rows - 1, "message": NOT_FINITE}]


@pytest.mark.parametrize("rows", [2, MAX_PYTHON_ROWS + 1])
@pytest.mark.parametrize("ranges", [[], [(-1, 1), (0, 5)]])
def test_rows_outside_the_range_are_marked_alike_few_or_many(rows: int, ranges: list[tuple[float, float]]) -> None:
    training = {**manifest_of("m", 1)["training"], "ranges": ranges}
    manifest = Manifest.model_validate(manifest_of("m", 1, training=training))
    inputs = np.tile([[0.5, 5.0], [0.5, 5.1]], (rows, 1))[:rows]
    marks = [None, None] if not ranges else [False, True]
    assert response(inputs, np.ones((rows, 1)), manifest)["extrapolated"] == (marks * rows)[:rows]


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_what_the_batch_has_found_out_of_rows_is_not_found_out_again(rows: int) -> None:
    outside, outputs = np.resize([True, False, False], rows), np.ones((rows, 1))
    answer = json.loads(encode_response(MANIFEST, np.zeros((rows, 2)), outputs, outside=outside))
    assert (answer["extrapolated"], answer["predictions"]) == (outside.tolist(), outputs.tolist())
    outputs[-1] = math.inf
    answer = json.loads(encode_response(MANIFEST, np.zeros((rows, 2)), outputs, outside=outside))
    assert (answer["extrapolated"], answer["predictions"][-1]) == (outside.tolist(), None)
