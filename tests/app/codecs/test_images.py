"""A prediction outside the values in training gets a warning; scatter at the ends of their range gets none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.codecs.images import EXTRAPOLATION_MARGIN, encode_response
from models.manifest import Manifest
from tests.app.factory import image_manifest, running, write_image
from tests.app.images import grey, upload

NOT_FINITE = "The result is not finite: a division by zero or an overflow."


def regression(*ranges: tuple[float, float]) -> Manifest:
    fields = image_manifest("sum", "brightness")
    return Manifest.model_validate(fields | {"training": fields["training"] | {"ranges": ranges}})


def warnings(manifest: Manifest, *values: float) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        encode_response(manifest, np.array(values)[:, None], [None] * len(values))
    )["warnings"]
    return found


def test_a_value_beyond_those_in_training_is_named_with_its_range() -> None:
    assert warnings(regression((0, 27)), 3.0, 45.1, 27.0, -8) == [
        {"file": 1, "message": "The value 45.1 lies outside 0 to 27, the values in training."},
        {"file": 3, "message": "The value -8 lies outside 0 to 27, the values in training."},
    ]


def test_a_twentieth_of_the_range_on_either_side_is_scatter() -> None:
    assert EXTRAPOLATION_MARGIN == 0.05
    inside = (-0.02, 0, 27, 27.3, 28.34, -1.34)
    assert warnings(regression((0, 27)), *inside) == []
    assert [warning["file"] for warning in warnings(regression((0, 27)), 28.36, *inside, -1.36)] == [0, 7]
    assert warnings(regression((-2, 2)), 2.19, -2.19) == []
    assert len(warnings(regression((-2, 2)), 2.21, -2.21)) == 2


def test_of_values_that_were_all_the_same_every_other_is_beyond() -> None:
    assert [warning["file"] for warning in warnings(regression((3, 3)), 3, 3.001, 2.999)] == [1, 2]


def test_a_file_may_have_a_warning_besides_that_of_its_prediction() -> None:
    body = encode_response(regression((0, 27)), np.array([[3.0], [45.0]]), [None, "The PNG lacks its end marker."])
    assert [(warning["file"], warning["message"][:9]) for warning in json.loads(body)["warnings"]] == [
        (1, "The PNG l"),
        (1, "The value"),
    ]


def test_where_the_range_is_not_known_nothing_is_said() -> None:
    assert warnings(regression(), 1e30, -1e30) == []


def test_what_is_not_finite_is_said_once_as_that() -> None:
    manifest = regression((0, 27))
    answer = json.loads(encode_response(manifest, np.array([[np.inf], [-np.inf], [np.nan], [5.0]]), [None] * 4))
    assert answer["warnings"] == [{"file": file, "message": NOT_FINITE} for file in (0, 1, 2)]
    assert answer["predictions"] == [{"value": None}] * 3 + [{"value": 5.0}]


def test_probabilities_that_are_not_finite_are_null_and_named() -> None:
    manifest = Manifest.model_validate(image_manifest("shade", "classes"))
    answer = json.loads(encode_response(manifest, np.array([[np.nan, 0.5], [0.25, 0.75], [0.5, 0.5]]), [None] * 3))
    assert answer["predictions"] == [
        {"label": None, "probabilities": {"dark": None, "bright": 0.5}},
        {"label": "bright", "probabilities": {"dark": 0.25, "bright": 0.75}},
        {"label": "dark", "probabilities": {"dark": 0.5, "bright": 0.5}},
    ]
    assert answer["warnings"] == [{"file": 0, "message": NOT_FINITE}]


def test_the_answer_over_http_has_the_hint_and_no_other_field(tmp_path: Path) -> None:
    folder = write_image(tmp_path, "brightness", "brightness")
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace("[[0, 255]]", "[[0, 100]]"))
    with running(tmp_path) as client:
        assert upload(client, "brightness", grey(105), grey(106)).json() == {
            "model": "brightness",
            "version": 1,
            "task": "image-regression",
            "predictions": [{"value": 105.0}, {"value": 106.0}],
            "warnings": [{"file": 1, "message": "The value 106 lies outside 0 to 100, the values in training."}],
        }


@pytest.mark.parametrize("value", [1e-7, 123456789.0, 27.000000001])
def test_numbers_are_shown_short(value: float) -> None:
    [warning] = warnings(regression((-2, -1)), value)
    assert warning["message"] == f"The value {value:.6g} lies outside -2 to -1, the values in training."
