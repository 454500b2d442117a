"""The service that most tests ask, on a repository that no test changes."""

from collections.abc import Iterator

import pytest

from tests.app.factory import TestClient, add_file, running, write_curves, write_image, write_ratio, write_sum

pytest.register_assert_rewrite("tests.app.expect")

MAX_BODY_BYTES = 2_000_000


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """sum (versions 1 and 2), ratio, add; brightness, shade, colour, strict (4 x 6 pixels only) and free (as large or
    larger) for images.
    """
    root = tmp_path_factory.mktemp("repository")
    write_sum(root, version=1, weight=100.0, formula=None)
    add_file(write_curves(root, "sum", version=2), "report.html", b"<!doctype html>")
    write_sum(root, name="add")
    write_ratio(root)
    write_image(root, "brightness", "brightness")
    write_image(root, "shade", "classes")
    write_image(root, "colour", "brightness", channels=3)
    write_image(root, "strict", "brightness", fixed=True)
    write_image(root, "free", "brightness", resize=False)
    with running(root, max_body_bytes=MAX_BODY_BYTES) as client:
        yield client
