import pytest


@pytest.fixture(autouse=True)
def _without_trial_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit without trying the export first: it takes a second, and has its own tests."""
    monkeypatch.setattr("training.tabular.fit.check_unit_export", lambda *_: None)
