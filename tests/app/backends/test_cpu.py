import os
from pathlib import Path

import pytest

from app.backends.cpu import cpu_budget


@pytest.fixture(autouse=True)
def _eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "budget"),
    [
        ("max 100000\n", 8),
        ("150000 100000\n", 2),
        ("200000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1000 100000\n", 1),
        ("6400000 100000\n", 8),
        ("", 8),
        ("nonsense", 8),
        ("1 2 3", 8),
        ("100000 0", 8),
        ("0 100000", 1),
        ("-1 100000", 1),
        ("1.5 1", 8),
        ("²00000 100000", 8),
    ],
)
def test_the_quota_of_the_control_group_limits_the_budget(tmp_path: Path, content: str, budget: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(content, encoding="utf-8")
    assert cpu_budget(file) == budget


def test_without_a_control_group_the_affinity_is_the_budget(tmp_path: Path) -> None:
    assert cpu_budget(tmp_path / "missing") == 8
    assert cpu_budget(tmp_path) == 8


def test_where_there_is_no_affinity_the_machine_is_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert cpu_budget(tmp_path / "missing") == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cpu_budget(tmp_path / "missing") == 1
