import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from app.errors import UnavailableError
from app.execution import Executor
from tests.app.expect import expect_problem
from tests.app.factory import LIMIT_SECONDS, running, wait_until, write_sum

BODY = {"model": "sum", "inputs": [[1, 2]]}


async def until_running(executor: Executor, count: int) -> None:
    with anyio.fail_after(LIMIT_SECONDS):
        while executor.running != count:
            await checkpoint()


def held(release: threading.Event) -> str:
    assert release.wait(LIMIT_SECONDS)
    return "done"


def test_the_result_is_that_of_the_function_in_another_thread() -> None:
    async def scenario() -> None:
        executor = Executor(1, 0)
        assert await executor.run(lambda a, b: a + b, 3, 4) == 7
        assert await executor.run(threading.get_ident) != threading.get_ident()

    anyio.run(scenario)


def test_one_call_more_than_may_wait_is_refused_at_once_and_the_others_finish() -> None:
    async def scenario() -> None:
        executor, release, results = Executor(2, 1), threading.Event(), []

        async def call() -> None:
            results.append(await executor.run(held, release))

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(call)
            await until_running(executor, 3)
            assert executor.queued == 1
            with pytest.raises(UnavailableError) as caught:
                await executor.run(held, release)
            assert caught.value.detail == "1 predictions are waiting, which is the limit; try again later."
            assert caught.value.headers == {"Retry-After": "1"}
            assert results == []
            release.set()
        assert results == ["done"] * 3
        assert (executor.running, executor.queued) == (0, 0)

    anyio.run(scenario)


def test_no_more_calls_run_at_the_same_time_than_allowed() -> None:
    async def scenario() -> None:
        executor, lock, now, most = Executor(2, 20), threading.Lock(), 0, 0

        def work() -> None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            threading.Event().wait(0.005)
            with lock:
                now -= 1

        async with anyio.create_task_group() as tasks:
            for _ in range(12):
                tasks.start_soon(executor.run, work)
        assert most == 2

    anyio.run(scenario)


def test_the_count_goes_back_after_an_error() -> None:
    async def scenario() -> None:
        executor = Executor(1, 0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await executor.run(lambda: 1 // 0)
        assert executor.running == 0
        assert await executor.run(lambda: "next") == "next"

    anyio.run(scenario)


def test_the_count_goes_back_after_cancellation_of_a_waiting_and_of_a_running_call() -> None:
    async def scenario() -> None:
        executor, release = Executor(1, 1), threading.Event()

        async def call() -> None:
            await executor.run(held, release)

        async with anyio.create_task_group() as runs:
            runs.start_soon(call)
            await until_running(executor, 1)
            async with anyio.create_task_group() as waits:
                waits.start_soon(call)
                await until_running(executor, 2)
                waits.cancel_scope.cancel()
            assert executor.running == 1
            runs.cancel_scope.cancel()
            release.set()
        assert executor.running == 0
        assert await executor.run(lambda: "next") == "next"

    anyio.run(scenario)


def test_the_running_service_refuses_with_503_and_retry_after_and_answers_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sum(tmp_path)
    with (
        running(tmp_path, max_concurrent_predictions=1, max_queued_predictions=1) as client,
        ThreadPoolExecutor(2) as threads,
    ):
        service = client.app.state.service  # type: ignore[attr-defined]
        release, predict = threading.Event(), service.predict

        def slow(*arguments: Any) -> Any:
            held(release)
            return predict(*arguments)

        monkeypatch.setattr(service, "predict", slow)
        answers = [threads.submit(client.post, "/predict/arithmetic", json=BODY) for _ in range(2)]
        try:
            wait_until(lambda: service.executor.running == 2)
            assert "nalu_queued_predictions 1.0" in client.get("/metrics").text
            refused = client.post("/predict/arithmetic", json=BODY)
        finally:
            release.set()
        expect_problem(refused, 503, "1 predictions are waiting, which is the limit; try again later.")
        assert refused.headers["retry-after"] == "1"
        assert [answer.result().json()["predictions"] for answer in answers] == [[[3.0]]] * 2
        assert client.post("/predict/arithmetic", json=BODY).status_code == 200
