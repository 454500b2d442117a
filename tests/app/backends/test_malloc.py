"""Memory is trimmed after large batches; that it helps is measured in tests/end_to_end."""

import asyncio
import ctypes
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.backends import create_backend, malloc
from app.backends.malloc import LARGE_NUMBERS, M_ARENA_MAX, MAX_ARENAS, limit_arenas, trim_malloc
from app.repository.load import load_model
from app.transport.read_scheduler import ReadScheduler
from tests.app.factory import running, write_image, write_sum


@pytest.fixture
def trims(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Records every call of the C library's function."""
    calls: list[int] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(malloc_trim=calls.append))
    return calls


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Records every option that is set, in an environment without such variables."""
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=lambda *option: calls.append(option)))
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    return calls


def ones(count: int) -> NDArray[np.float64]:
    return np.ones((1, count))


def test_memory_is_trimmed_after_large_batches_only(trims: list[int]) -> None:
    predict = trim_malloc(lambda inputs: inputs.sum(1))
    assert predict(ones(LARGE_NUMBERS - 1)).item() == LARGE_NUMBERS - 1
    assert trims == []
    assert predict(ones(LARGE_NUMBERS)).item() == LARGE_NUMBERS
    assert trims == [0]


def test_memory_is_trimmed_after_a_batch_that_fails_too(trims: list[int]) -> None:
    def fail(inputs: NDArray[Any]) -> NDArray[Any]:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        trim_malloc(fail)(ones(LARGE_NUMBERS))
    assert trims == [0]


def trims_after(monkeypatch: pytest.MonkeyPatch, trims: list[int], mebibytes: list[int], idle: list[bool]) -> list[int]:
    """How often memory was trimmed up to each look, of which the process had so much."""
    looks, seen = iter(zip(mebibytes, idle, strict=True)), []
    before: list[tuple[int, bool]] = [(mebibytes[0], True)]

    def resident() -> int:
        return before[-1][0] * 2**20

    async def look(_: float) -> None:
        seen.append(len(trims))
        try:
            before.append(next(looks))
        except StopIteration:
            raise asyncio.CancelledError from None

    monkeypatch.setattr(malloc, "resident_bytes", resident)
    monkeypatch.setattr(asyncio, "sleep", look)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(malloc.trim_when_idle(lambda: before[-1][1]))
    return seen[1:]


def test_memory_that_has_grown_is_trimmed_when_no_request_is_in_flight_and_again_after_longer_and_longer_pauses(
    monkeypatch: pytest.MonkeyPatch, trims: list[int]
) -> None:
    mebibytes = [100, 103, 140, 140, 140, 140, 140, 140]
    idle = [True, True, False, True, True, True, True, True]
    assert trims_after(monkeypatch, trims, mebibytes, idle) == [0, 0, 0, 1, 1, 2, 2, 2]


def test_under_lasting_load_memory_that_has_grown_is_trimmed_at_every_tenth_look(
    monkeypatch: pytest.MonkeyPatch, trims: list[int]
) -> None:
    looks = 25
    assert trims_after(monkeypatch, trims, [100] + [140] * looks, [False] * (looks + 1)) == [0] * 9 + [1] * 10 + [2] * 7


def test_memory_that_has_not_grown_is_never_trimmed(monkeypatch: pytest.MonkeyPatch, trims: list[int]) -> None:
    assert trims_after(monkeypatch, trims, [100, 101, 102, 103] * 5, [True] * 20)[-1] == 0


@pytest.mark.parametrize("found", [SimpleNamespace(), OSError("no library"), TypeError("not on Windows")])
def test_with_another_c_library_the_model_is_as_it_was(monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    def load(_: object) -> Any:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(ctypes, "CDLL", load)
    predict = np.negative
    assert trim_malloc(predict) is predict


def test_memory_is_trimmed_by_models_that_do_not_resize_and_no_others(tmp_path: Path, trims: list[int]) -> None:
    side = int(LARGE_NUMBERS**0.5) + 1
    image = np.ones((1, 1, side, side), np.uint8)
    backend = create_backend("onnx", "cpu", 1)
    for name, resize, expected in (("resized", True, []), ("free", False, [0])):
        model = load_model(write_image(tmp_path, name, "brightness", resize=resize), (name, 1), backend)
        assert model.predict(image).item() == pytest.approx(1)
        assert trims == expected
    rows = load_model(write_sum(tmp_path), ("sum", 1), backend)
    rows.predict(np.ones((LARGE_NUMBERS, 2)))
    assert trims == [0]


def test_a_service_that_starts_bounds_its_arenas(options: list[tuple[int, int]], tmp_path: Path) -> None:
    with running(tmp_path):
        assert options == [(M_ARENA_MAX, MAX_ARENAS)]


@pytest.mark.parametrize("variable", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_the_arenas_that_the_environment_chooses_stay(
    options: list[tuple[int, int]], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "8")
    limit_arenas()
    assert options == []


def test_with_another_c_library_there_are_no_arenas_to_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    limit_arenas()


def test_a_service_is_not_idle_while_a_request_is_in_flight_or_waits_to_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found: list[Callable[[], bool]] = []

    async def trim_when_idle(is_idle: Callable[[], bool]) -> None:
        found.append(is_idle)

    monkeypatch.setattr("app.main.trim_when_idle", trim_when_idle)
    with running(tmp_path) as client:
        (is_idle,) = found
        assert is_idle()
        monkeypatch.setattr(ReadScheduler, "delay", 0.1)
        assert not is_idle()
        monkeypatch.setattr(ReadScheduler, "delay", 0.0)
        client.app.state.service.requests_in_flight["one"] = lambda: None  # type: ignore[attr-defined]
        assert not is_idle()
        client.app.state.service.requests_in_flight.clear()  # type: ignore[attr-defined]
