import pytest

from app.auth.access import is_public


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/page/main.js",
        "/docs",
        "/docs/swagger-ui.css",
        "/openapi.json",
        "/health/live",
        "/health/ready",
        "/v2/health/ready",
    ],
)
def test_probes_and_docs_are_open(path: str) -> None:
    assert is_public(path, True)
    assert is_public(path, False)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/predict/arithmetic",
        "/models",
        "/models/add",
        "/v2",
        "/v2/models/add/infer",
        "/v2/repository/index",
        "/docsandmore",
        "/healthy",
        "/HEALTH/live",
        "/openapi.json/",
        "/metrics/",
    ],
)
def test_everything_else_asks_for_a_key(path: str) -> None:
    assert not is_public(path, False)


def test_metrics_are_open_unless_the_settings_protect_them() -> None:
    assert is_public("/metrics", False)
    assert not is_public("/metrics", True)
