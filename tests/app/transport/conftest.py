"""The service behind a socket, on the fast path and on uvicorn's own protocol."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.factory import write_image, write_sum
from tests.app.raw_http import PROTOCOLS, LiveService, listening


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    write_sum(root)
    write_image(root, "brightness", "brightness")
    write_image(root, "shade", "classes")
    return root


@pytest.fixture(scope="module")
def services(root: Path) -> Iterator[dict[str, LiveService]]:
    """The same service twice: as it is, and on uvicorn's own protocol."""
    with listening(root, "fast_path") as fast, listening(root, "uvicorn") as normal:
        yield {"fast_path": fast, "uvicorn": normal}


@pytest.fixture(params=PROTOCOLS)
def protocol_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def live(services: dict[str, LiveService], protocol_name: str) -> LiveService:
    return services[protocol_name]
