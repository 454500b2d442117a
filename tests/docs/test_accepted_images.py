"""docs/formats.md lists what becomes of images; each row is true of training and of the service alike."""

import numpy as np
import pytest

from app.codecs.uploads import Upload
from app.errors import UnsupportedImageError
from tests.docs.accepted_images import PAGE, Case, cases, with_table
from training.data.image_files import BadImageError, ImageReader

CASES = cases()


@pytest.mark.filterwarnings(r"ignore:::PIL\.")
@pytest.mark.parametrize("case", CASES, ids=[f"{case.kind}: {case.what}" for case in CASES])
def test_a_row_of_the_table_is_true(case: Case) -> None:
    if case.refused:
        with pytest.raises(UnsupportedImageError) as served:
            Upload(case.content, "File 0", 1000).decode("L")
        assert served.value.detail.startswith(f"File 0 {case.refused}")
        with pytest.raises(BadImageError) as trained:
            ImageReader("L").decode(case.content)
        assert served.value.detail == f"File 0 {trained.value}; {trained.value.repair}."
        return
    upload = Upload(case.content, "File 0", 1000)
    shades = upload.decode("L")
    assert np.abs(shades[0, 0].astype(int) - case.shades).max() <= case.tolerance
    decoded = ImageReader("L").decode(case.content)
    np.testing.assert_array_equal(decoded.pixels, shades)
    assert upload.warning == decoded.warning
    assert (upload.warning or "").startswith(case.warning)
    assert bool(upload.warning) == bool(case.warning)


def test_the_page_has_the_table_of_the_cases() -> None:
    """``python -m tests.docs.accepted_images`` writes it."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page, CASES)
    assert len(page) > len(with_table(page, []))
