"""``--on``: every executor gives the results of a local run, survives its workers, and fails in one sentence."""

import os
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.training.trainer.executor_tasks import die, die_once, name_process, overlap, refuse
from training.__main__ import main
from training.errors import InputError
from training.trainer.executors import dask_cluster, ray_cluster, tasks
from training.trainer.executors.local import LocalExecutor
from training.trainer.executors.open import open_executor
from training.trainer.executors.processes import STARTS, ProcessExecutor
from training.trainer.executors.tasks import completed, in_order, on_worker


def test_a_local_task_runs_in_this_process_and_only_when_its_result_is_asked_for(tmp_path: Path) -> None:
    with open_executor() as executor:
        results = in_order(executor, name_process, [(tmp_path, "a", 0.0), (tmp_path, "b", 0.0)])
        assert next(results) == "a"
        assert [path.name for path in tmp_path.iterdir()] == ["a"]
        assert list(results) == ["b"]
    assert {(tmp_path / name).read_text() for name in "ab"} == {str(os.getpid())}


@pytest.mark.slow
def test_jobs_are_processes_whose_results_come_in_order_or_as_they_complete(tmp_path: Path) -> None:
    arguments = [(tmp_path, "a", 0.4), (tmp_path, "b", 0.0)]
    with open_executor(jobs=2) as executor:
        assert list(in_order(executor, name_process, [(tmp_path, "warm", 0.3)] * 2)) == ["warm"] * 2
        assert list(in_order(executor, name_process, arguments)) == ["a", "b"]
        assert list(completed(executor, name_process, arguments)) == [(1, "b"), (0, "a")]
    assert str(os.getpid()) not in {(tmp_path / name).read_text() for name in "ab"}


@pytest.mark.slow
def test_a_process_that_dies_costs_its_own_task_a_second_start_and_no_other(tmp_path: Path) -> None:
    with ProcessExecutor(2) as executor:
        processes = list(in_order(executor, die_once, [(tmp_path, name) for name in "abc"]))
    assert os.getpid() not in processes
    assert [(tmp_path / name).read_text() for name in "abc"] == ["+", "++", "+"]


@pytest.mark.slow
def test_a_task_that_always_ends_its_process_is_one_sentence(tmp_path: Path) -> None:
    sentence = rf"^Task 1 of 1 ended {STARTS} workers one after the other, as where memory is short; .* --on local"
    with ProcessExecutor(1) as executor, pytest.raises(InputError, match=sentence):
        list(completed(executor, die, [(tmp_path / "starts",)]))
    assert (tmp_path / "starts").read_text() == "+" * STARTS


@pytest.mark.slow
def test_the_error_of_a_task_ends_the_others_and_is_that_of_the_command(tmp_path: Path) -> None:
    others: list[Future[str]] = []
    with pytest.raises(InputError, match=r"^b is refused\.$"):
        fail_beside(others, tmp_path)
    assert all(other.done() for other in others)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def fail_beside(others: list[Future[str]], folder: Path) -> None:
    with open_executor(jobs=2) as executor:
        assert list(in_order(executor, name_process, [(folder, "a", 0.2)] * 2)) == ["a", "a"]
        failed = executor.submit(refuse, "b")
        others += [executor.submit(name_process, folder, name, 20.0) for name in "cde"]
        failed.result()


@pytest.mark.slow
def test_a_process_is_idle_only_when_it_is_no_longer_busy(tmp_path: Path) -> None:
    """Else the next task of a process would be busy with none, and an interruption would wait for its end."""
    busy: list[int] = []

    class Idle(list[Any]):
        def append(self, worker: Any) -> None:
            busy.append(len(executor._busy))
            super().append(worker)

    with ProcessExecutor(1) as executor:
        executor._idle = Idle()
        assert executor.submit(name_process, tmp_path, "a", 0.0).result() == "a"
    assert busy == [0]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler, and a worker of two threads, in this process."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'nalu-serve[cluster]'")
    options = {"processes": False, "dashboard_address": None, "protocol": "tcp", "host": "127.0.0.1"}
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, **options) as found:
        yield found


@pytest.mark.slow
def test_a_dask_cluster_gives_the_results_in_order_and_runs_one_task_a_process(cluster: Any) -> None:
    with open_executor(cluster.scheduler_address) as executor:
        assert list(in_order(executor, overlap, [(name,) for name in "abcd"])) == [1, 1, 1, 1]
        with pytest.raises(InputError, match=r"^a is refused\.$"):
            list(in_order(executor, refuse, [("a",)]))


@pytest.mark.slow
def test_a_scheduler_that_no_worker_joins_is_reported_and_then_an_error(
    cluster: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dask_cluster, "WORKER_SECONDS", 0.2)
    monkeypatch.setattr(dask_cluster, "_workers", lambda _: 0)
    monkeypatch.setattr("distributed.Client.wait_for_workers", no_worker)
    address = cluster.scheduler_address
    with pytest.raises(InputError, match=rf"^No worker joined {address} within 0.2 s; start one with dask worker "):
        list(in_order(entered(address), overlap, []))
    assert capsys.readouterr().err.startswith(f"No worker has joined {address}; waiting 0.2 s for dask worker")


def no_worker(*_: object, timeout: float) -> None:
    raise TimeoutError(timeout)


def entered(address: str) -> Any:
    with open_executor(address) as executor:
        return executor


def test_a_scheduler_that_is_not_there_is_one_sentence(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.2)
    address = f"tcp://127.0.0.1:{free_port()}"
    sentence = rf"^No Dask scheduler answers at {address} \(.+\); start one with dask scheduler\.$"
    with pytest.raises(InputError, match=sentence), open_executor(address):
        pass


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def test_no_worker_left_is_reported_once_and_so_is_one_that_joins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = iter([1, 0, 0, 2])
    left = threading.Event()

    def workers(_: Any) -> int:
        count = next(counts)
        if count == 2:
            left.set()
        return count

    monkeypatch.setattr(dask_cluster, "LOOK_SECONDS", 0)
    monkeypatch.setattr(dask_cluster, "_workers", workers)
    dask_cluster._watch(SimpleNamespace(status="running"), "tcp://head:1", left)
    lines = capsys.readouterr().err.split("\n")
    assert lines[1:4:2] == [
        "No worker of tcp://head:1 is left; tasks wait for one. Ctrl-C keeps what is done.",
        "A worker has joined tcp://head:1; the tasks go on.",
    ]
    assert len(lines) == 5


class FakeRay(ModuleType):
    """``ray`` with remote functions that run at once, or end by an error."""

    def __init__(self) -> None:
        super().__init__("ray")
        error = type("RayError", (Exception,), {})
        self.exceptions = SimpleNamespace(RayError=error, RayTaskError=type("RayTaskError", (error,), {}))
        self.error: Exception | None = None
        self.chosen: dict[str, int] = {}
        self.connected: list[str] = []
        self.cores = 2.0

    def init(self, address: str, **_: bool) -> None:
        self.connected.append(address)

    def shutdown(self) -> None:
        self.connected.pop()

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": self.cores} if self.cores else {}

    def remote(self, function: Any) -> Any:
        def options(**chosen: int) -> Any:
            self.chosen = chosen
            return SimpleNamespace(remote=partial(self._run, function))

        return SimpleNamespace(options=options)

    def _run(self, function: Any, *arguments: Any) -> Any:
        future: Future[Any] = Future()
        if self.error is None:
            future.set_result(function(*arguments))
        else:
            future.set_exception(self.error)
        return SimpleNamespace(future=lambda: future)


def use(monkeypatch: pytest.MonkeyPatch, ray: FakeRay) -> FakeRay:
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.exceptions", ray.exceptions)
    return ray


def test_a_ray_task_takes_one_core_and_is_started_as_often_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = use(monkeypatch, FakeRay())
    assert list(in_order(ray_cluster.RayExecutor(), overlap, [("a",)])) == [1]
    assert ray.chosen == {"num_cpus": 1, "max_retries": STARTS - 1}


def test_errors_of_ray_are_those_of_the_task_or_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = use(monkeypatch, FakeRay())
    failed = ray.exceptions.RayTaskError("a traceback of 100 lines")
    failed.cause = InputError("a is refused.")
    for error, sentence in (
        (failed, r"^a is refused\.$"),
        (ray.exceptions.RayError("node died"), r"^Task 1 of 1 ended 4 workers one after the other"),
    ):
        use(monkeypatch, ray).error = error
        with pytest.raises(InputError, match=sentence):
            list(completed(ray_cluster.RayExecutor(), overlap, [("a",)]))
    failed.cause = ModuleNotFoundError("No module named 'training'", name="training")
    ray.error = failed
    with pytest.raises(InputError, match=r"^The cluster has no module 'training'; install the same nalu-serve there, "):
        list(completed(ray_cluster.RayExecutor(), overlap, [("a",)]))


def test_a_ray_cluster_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FakeRay())
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{free_port()}")
    with (
        pytest.raises(InputError, match=r"^No Ray cluster answers at 127.0.0.1:\d+ \(.*\); start one with ray start"),
        open_executor("ray"),
    ):
        pass


@pytest.mark.parametrize(("cores", "reported"), [(2.0, ""), (0.0, "No node of auto has a core; tasks wait for one: ")])
def test_ray_may_find_its_cluster_and_one_without_a_core_is_reported(
    cores: float, reported: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ray = use(monkeypatch, FakeRay())
    ray.cores = cores
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with open_executor("ray"):
        assert ray.connected == ["auto"]
    assert ray.connected == []
    assert capsys.readouterr().err.partition("ray start")[0] == reported


@pytest.mark.parametrize(
    ("on", "package", "message"),
    [
        ("tcp://head:8786", "distributed", r"^--on tcp://head:8786 needs Dask: pip install 'nalu-serve\[cluster\]', "),
        ("ray", "ray", r"^--on ray needs Ray: pip install 'nalu-serve\[ray\]', here and on every node\.$"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    on: str, package: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=message), open_executor(on):
        pass


def test_errors_of_dask_are_those_of_the_task_or_one_sentence() -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'nalu-serve[cluster]'")
    executor = dask_cluster.DaskExecutor.__new__(dask_cluster.DaskExecutor)
    executor._address = "tcp://head:1"
    refused = InputError("a is refused.")
    assert executor._translate(refused) is refused
    assert isinstance(executor._translate(distributed.KilledWorker("a", None, 3)), BrokenExecutor)
    assert str(executor._translate(None)).startswith("The scheduler at tcp://head:1 is gone, and with it the tasks")
    error = RuntimeError("Error during deserialization of the task graph.")
    error.__cause__ = ModuleNotFoundError("No module named 'benchmarks'", name="benchmarks")
    assert "has no module 'benchmarks'; install" in str(executor._translate(error))


def test_a_worker_with_other_versions_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = tasks.versions()
    assert expected["torch"].count(".") == 2
    monkeypatch.setattr(tasks, "_version", lambda package: "0.0.1" if package == "nalu-serve" else "9.9.9")
    sentence = (
        rf"^The worker on .+ has nalu-serve 0.0.1 and torch 9.9.9, and nalu-serve .* torch {expected['torch']} is"
    )
    with pytest.raises(InputError, match=sentence):
        on_worker(expected, pytest.fail, "the task ran")


def test_a_task_computes_in_one_thread_and_leaves_the_number_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    threads = [2]
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads[-1])
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    assert on_worker(tasks.versions(), torch.get_num_threads) == 1
    assert threads == [2, 1, 2]


def test_jobs_are_for_processes_alone() -> None:
    for on in ("local", "tcp://head:8786", "ray"):
        with (
            pytest.raises(InputError, match=rf"^--jobs 2 counts processes, and --on {on} starts none; leave one"),
            open_executor(on, 2),
        ):
            pass
    with open_executor("local", 1) as executor:
        assert isinstance(executor, LocalExecutor)


@pytest.mark.parametrize("command", [["benchmark"], ["sequences"], ["fit", "data.csv", "--target", "y"]])
@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--jobs", "0"], "argument --jobs: '0' is not a whole number of at least 1\n"),
        (["--on", "http://head:80"], "argument --on: 'http://head:80' is none of local, processes, tcp://HOST:8786"),
        (
            ["--on", "tcp://head"],
            "argument --on: 'tcp://head' is none of local, processes, tcp://HOST:8786 or tls://HOST:8786 (Dask), ray\n",
        ),
    ],
)
def test_an_unusable_option_is_refused_with_what_it_may_be(
    command: list[str], option: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, *option])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
