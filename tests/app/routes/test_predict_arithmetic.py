import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.codecs.tabular import NOT_FINITE
from tests.app.expect import expect_problem
from tests.app.factory import TestClient

FINITE = st.floats(-1e150, 1e150, allow_subnormal=False)


def ask(client: TestClient, inputs: list[list[float]], model: str = "sum", **more: Any) -> dict[str, Any]:
    response = client.post("/predict/arithmetic", json={"model": model, "inputs": inputs} | more)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    answer: dict[str, Any] = response.json()
    return answer


def test_the_answer_has_exactly_the_fields_of_the_contract(client: TestClient) -> None:
    assert ask(client, [[3, 4], [-2, 0.5]]) == {
        "model": "sum",
        "version": 2,
        "predictions": [[7.0], [-1.5]],
        "formula": "a + b",
        "extrapolated": [True, True],
        "warnings": [],
    }


def test_answers_come_in_the_order_of_the_rows(client: TestClient) -> None:
    assert ask(client, [[i, 0] for i in range(1000)])["predictions"] == [[float(i)] for i in range(1000)]


def test_the_highest_version_answers_unless_one_is_named(client: TestClient) -> None:
    answers = [ask(client, [[1, 1]], **more) for more in ({}, {"version": None}, {"version": 2}, {"version": 1})]
    assert [answer["version"] for answer in answers] == [2, 2, 2, 1]
    assert [answer["predictions"] for answer in answers] == [[[2.0]], [[2.0]], [[2.0]], [[200.0]]]


def test_the_formula_of_the_manifest_is_passed_on(client: TestClient) -> None:
    assert ask(client, [[1, 1]], model="ratio")["formula"] == "a / b"
    assert ask(client, [[1, 1]], version=1)["formula"] is None


def test_a_row_that_is_not_finite_is_null_and_named_and_its_neighbours_are_unharmed(client: TestClient) -> None:
    answer = ask(client, [[1, 2], [1, 0], [-3, 4], [0, 0], [-1, 0]], model="ratio")
    assert answer["predictions"] == [[0.5], None, [-0.75], None, None]
    assert answer["warnings"] == [{"row": row, "message": NOT_FINITE} for row in (1, 3, 4)]
    assert NOT_FINITE == "The result is not finite: a division by zero or an overflow."


def test_an_overflow_is_null_and_named(client: TestClient) -> None:
    answer = ask(client, [[1e308, 1e308]])
    assert answer["predictions"] == [None]
    assert answer["warnings"] == [{"row": 0, "message": NOT_FINITE}]


@pytest.mark.parametrize(
    ("row", "extrapolated"),
    [  # trained on a from 1 to 2, b from -5 to 5
        ([1, -5], False),
        ([2, 5], False),
        ([1.5, 0], False),
        ([np.nextafter(1, 0), 0], True),
        ([np.nextafter(2, 3), 0], True),
        ([1.5, np.nextafter(-5, -6)], True),
        ([1.5, np.nextafter(5, 6)], True),
        ([0, 0], True),
    ],
)
def test_a_row_is_extrapolated_when_any_column_lies_outside_its_range(
    client: TestClient, row: list[float], extrapolated: bool
) -> None:
    assert ask(client, [[1.5, 0], row])["extrapolated"] == [False, extrapolated]


@pytest.mark.slow
@given(rows=st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_random_rows_are_answered_as_numpy_computes_them(client: TestClient, rows: list[tuple[float, float]]) -> None:
    table = np.array(rows)
    sums = ask(client, table.tolist())["predictions"]
    np.testing.assert_allclose(np.array(sums)[:, 0], table.sum(1), rtol=1e-15, atol=1e-300)
    with np.errstate(all="ignore"):
        expected = table[:, 0] / table[:, 1]
    for prediction, ratio in zip(ask(client, table.tolist(), model="ratio")["predictions"], expected, strict=True):
        assert prediction == ([ratio] if np.isfinite(ratio) else None)


def test_numbers_keep_all_their_digits_on_the_way_through(client: TestClient) -> None:
    assert ask(client, [[0.1, 0.2], [2**53, 1e-300]])["predictions"] == [[0.30000000000000004], [9007199254740992.0]]


def test_a_body_without_a_content_type_is_understood(client: TestClient) -> None:
    body = json.dumps({"model": "sum", "inputs": [[3, 4]]}).encode()
    assert client.post("/predict/arithmetic", content=body).json()["predictions"] == [[7.0]]


def test_of_duplicate_keys_the_last_counts(client: TestClient) -> None:
    body = b'{"model": "nobody", "model": "sum", "inputs": [[1]], "inputs": [[3, 4]]}'
    assert client.post("/predict/arithmetic", content=body).json()["predictions"] == [[7.0]]


@pytest.mark.slow
@given(
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda part: (
            st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(["model", "inputs", "version", ""]), part)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
@settings(max_examples=100, deadline=None)
def test_whatever_the_body_the_service_never_fails(client: TestClient, body: bytes) -> None:
    response = client.post("/predict/arithmetic", content=body)
    if response.status_code != 200:
        expect_problem(response, response.status_code)
        assert 400 <= response.status_code < 500


@pytest.mark.slow
@given(inputs=st.lists(st.lists(st.floats() | st.integers() | st.booleans() | st.none(), max_size=3), max_size=3))
@settings(max_examples=100, deadline=None)
def test_whatever_the_inputs_the_service_never_fails(client: TestClient, inputs: list[list[Any]]) -> None:
    body = json.dumps({"model": "ratio", "inputs": inputs}).encode()
    assert client.post("/predict/arithmetic", content=body).status_code in (200, 422)
