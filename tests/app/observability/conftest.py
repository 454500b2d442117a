"""Fixtures of the tracing tests."""

import pytest


@pytest.fixture(autouse=True)
def _no_inherited_otel_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "PROTOCOL", "TRACES_PROTOCOL"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    for name in ("TRACES_EXPORTER", "TRACES_SAMPLER", "SERVICE_NAME", "RESOURCE_ATTRIBUTES", "SDK_DISABLED"):
        monkeypatch.delenv(f"OTEL_{name}", raising=False)
