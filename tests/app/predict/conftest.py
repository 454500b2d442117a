"""Models, and the command that predicts for tables."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.predict.__main__ import main
from tests.app.factory import manifest_of, write_image, write_ratio, write_sum

Predict = Callable[..., tuple[int, str, list[str]]]


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """sum (versions 1 and 2), ratio, unknown, whose training range is not known, and brightness for images."""
    root = tmp_path_factory.mktemp("repository")
    write_sum(root, version=1, weight=100.0)
    write_sum(root, version=2)
    write_ratio(root)
    write_sum(root, "unknown", training=manifest_of("unknown", 1)["training"] | {"ranges": []})
    write_image(root, "brightness", "brightness")
    return root


@pytest.fixture
def predict(repository: Path, capfd: pytest.CaptureFixture[str]) -> Predict:
    """Runs the command; gives its exit code, what it writes to stdout, and the lines that it writes to stderr."""

    def run(*arguments: object) -> tuple[int, str, list[str]]:
        code = main([*map(str, arguments), "--repository", str(repository)])
        out, err = capfd.readouterr()
        return code, out, err.splitlines()

    return run
