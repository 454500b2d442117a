"""Image inputs of a manifest: resized, of a fixed size, or of any size from a minimum on."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.manifest import Manifest
from tests.app.factory import image_manifest, manifest_of

FREE, FIXED = [-1, 1, -1, -1], [-1, 1, 4, 6]


def manifest(shape: list[int], *, resize: bool, mode: str = "L") -> Manifest:
    fields: dict[str, Any] = image_manifest("m", "brightness")
    fields["inputs"][0]["shape"] = shape
    fields["image"] |= {"resize": resize, "mode": mode}
    return Manifest.model_validate(fields)


@pytest.mark.parametrize(
    ("shape", "resize", "any_size"), [(FREE, True, False), (FREE, False, True), (FIXED, False, False)]
)
def test_images_of_any_size_are_taken_where_nothing_resizes_and_the_shape_is_free(
    shape: list[int], resize: bool, any_size: bool
) -> None:
    assert manifest(shape, resize=resize).any_size is any_size


def test_rows_of_numbers_have_no_size() -> None:
    assert not Manifest.model_validate(manifest_of("sum", 1)).any_size


@pytest.mark.parametrize(
    ("shape", "resize", "mode", "rule"),
    [
        (FIXED, True, "L", r"images of mode L that are resized are inputs of shape \[-1, 1, -1, -1\], not "),
        (
            [-1, 1, -1, 6],
            False,
            "L",
            r"mode L that are not resized are inputs of shape \[-1, 1, -1, -1\] or \[-1, 1, 4, 6\], not "
            r"\[-1, 1, -1, 6\]",
        ),
        ([-1, 1, 6, 4], False, "L", r"\[-1, 1, 4, 6\], not \[-1, 1, 6, 4\]"),
        ([2, 1, -1, -1], False, "L", r"not \[2, 1, -1, -1\]"),
        (FREE, False, "RGB", r"images of mode RGB that are not resized are inputs of shape \[-1, 3, -1, -1\] or "),
    ],
)
def test_another_shape_is_rejected_with_the_allowed_ones(shape: list[int], resize: bool, mode: str, rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        manifest(shape, resize=resize, mode=mode)
