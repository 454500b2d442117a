"""What all tests share."""

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> None:
    """The machine's own NALU_ variables are no part of any test."""
    for name in [name for name in os.environ if name.startswith("NALU_")]:
        del os.environ[name]
