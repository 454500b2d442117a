"""A worker that replaces another one accepts connections when it is ready, and not before."""

import asyncio
import errno
import os
import pickle
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.__main__ import main
from app.main import create_app
from app.settings import Settings, read_settings
from app.transport import workers
from tests.app.factory import write_sum


@pytest.fixture
def sockets() -> Iterator[None]:
    """The sockets of this process as a worker, closed and forgotten after the test."""
    yield
    for own in workers.LISTENERS:
        own.close()
    workers.LISTENERS.clear()
    workers.REPLACEMENTS.clear()


def test_workers_without_a_temporary_folder_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("app.__main__.configure_logging", lambda *_: None)
    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    assert main(["--repository", str(tmp_path), "--workers", "2", "--port", "0"]) == 2
    assert capsys.readouterr().err == (
        "nalu-serve: NALU_WORKERS is 2, and workers count in a temporary folder, which cannot be made (No space left "
        "on device); name one that can be written to with TMPDIR, or set NALU_WORKERS=1.\n"
    )


@pytest.mark.parametrize("empty", ["", " ", "''"])
def test_an_empty_argument_leaves_a_setting_of_the_workers_to_the_environment_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: str
) -> None:
    found: list[Settings] = []
    variables = {"NALU_REPOSITORY": str(tmp_path), "NALU_THREADS": "1", "NALU_PORT": "9000"}
    monkeypatch.setattr(os, "environ", {**os.environ, **variables})
    monkeypatch.setattr("app.__main__.configure_logging", lambda *_: None)
    monkeypatch.setattr("app.__main__.run_workers", lambda *_: found.append(read_settings()))
    assert main(["--repository", empty, "--workers", "2", "--port", "0"]) == 0
    assert [(settings.repository, settings.workers, settings.port) for settings in found] == [(tmp_path, 2, 0)]


@pytest.mark.usefixtures("sockets")
def test_workers_that_are_started_after_all_others_are_replacements() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as reserved:
        shared = workers.WorkerSocket(reserved, workers=2)
        own = [pickle.loads(pickle.dumps(shared)) for _ in range(4)]
        assert {each.getsockname() for each in own} == {reserved.getsockname()}
    assert own == workers.LISTENERS
    assert own[2:] == workers.REPLACEMENTS


@pytest.mark.parametrize("is_replacement", [False, True])
def test_a_replacement_starts_when_its_models_are_loaded_and_others_at_once(
    tmp_path: Path, is_replacement: bool
) -> None:
    asyncio.run(start(tmp_path, is_replacement))


async def start(root: Path, is_replacement: bool) -> None:
    app = create_app(Settings(repository=root, repository_poll_seconds=0.01, threads=1))
    app.state.service.is_replacement = is_replacement
    async with asyncio.timeout(10):
        lifespan = app.router.lifespan_context(app)
        started = asyncio.create_task(lifespan.__aenter__())
        await asyncio.sleep(0.3)
        assert started.done() != is_replacement
        write_sum(root)
        await started
        assert app.state.service.ready == is_replacement
        await lifespan.__aexit__(None, None, None)


def test_a_replacement_that_is_stopped_before_it_is_ready_does_not_wait(tmp_path: Path) -> None:
    async def stop() -> None:
        app = create_app(Settings(repository=tmp_path, threads=1))
        app.state.service.is_replacement = app.state.service.draining = True
        async with asyncio.timeout(10), app.router.lifespan_context(app):
            assert not app.state.service.ready

    asyncio.run(stop())
