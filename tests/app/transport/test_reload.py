"""SIGHUP: keys and log settings are read again, by one process and by all workers."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.supervisors.multiprocess import SIGNALS

from app.main import create_app
from app.service import Service
from app.settings import Settings, SettingsError
from app.transport import reload as reload_module
from app.transport.reload import hangups_held, on_hangup, reload
from app.transport.workers import Supervisor
from tests.app.factory import TestClient, running, write_sum

ALICE, BOB = (f"{name} {sha256(name.encode()).hexdigest()}\n" for name in ("alice", "bob"))


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """A reload configures logging; it is restored afterwards."""
    root, loggers = logging.getLogger(), [logging.getLogger(f"uvicorn{name}") for name in ("", ".error", ".access")]
    before = [(logger, list(logger.handlers), logger.propagate, logger.level) for logger in [root, *loggers]]
    yield
    for logger, handlers, propagate, level in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text(ALICE + BOB)
    return file


@pytest.fixture
def client(tmp_path: Path, keys: Path) -> Iterator[TestClient]:
    root = tmp_path / "repository"
    write_sum(root)
    with running(root, api_keys_file=keys) as client:
        yield client


def service_of(client: TestClient) -> Service:
    service: Service = client.app.state.service  # type: ignore[attr-defined]
    return service


def status(client: TestClient, key: str) -> int:
    return int(client.get("/models", headers={"X-API-Key": key}).status_code)


def with_settings(service: Service, **changes: Any) -> Any:
    return lambda: service.settings.model_copy(update=changes)


def test_a_revoked_key_and_a_new_one_count_from_the_next_request_on(client: TestClient, keys: Path) -> None:
    assert [status(client, key) for key in ("alice", "bob", "carol")] == [200, 200, 401]
    carol = ALICE.replace("alice", "carol").replace(sha256(b"alice").hexdigest(), sha256(b"carol").hexdigest())
    keys.write_text(ALICE + carol)
    reload(service_of(client), with_settings(service_of(client)))
    assert [status(client, key) for key in ("alice", "bob", "carol")] == [200, 401, 200]


def test_keys_are_read_again_even_if_the_file_looks_unchanged(client: TestClient, keys: Path) -> None:
    before = keys.stat()
    keys.write_text(BOB + BOB.replace("bob", "bill"))
    keys.write_text(keys.read_text().ljust(before.st_size)[: before.st_size])
    os.utime(keys, ns=(before.st_atime_ns, before.st_mtime_ns))
    reload(service_of(client), with_settings(service_of(client)))
    assert [status(client, key) for key in ("alice", "bob")] == [401, 200]


@pytest.mark.parametrize("content", ["", "\n", "# all are gone\n"])
def test_the_last_key_can_be_revoked(
    client: TestClient, keys: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys.write_text(content)
    reload(service_of(client), with_settings(service_of(client)))
    assert [status(client, key) for key in ("alice", "bob")] == [401, 401]
    assert f"{keys} has no key any more: no key is valid." in caplog.messages


@pytest.mark.parametrize("content", ["garbage", ALICE + "bob secret", None, "\xff\xfe"])
def test_a_broken_file_of_keys_leaves_those_before_with_one_error(
    client: TestClient, keys: Path, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    keys.unlink()
    if content is not None:
        keys.write_text(content)
    reload(service_of(client), with_settings(service_of(client)))
    assert [status(client, key) for key in ("alice", "bob")] == [200, 200]
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert errors[0].endswith("The keys that were read before stay valid.")


def test_level_format_and_access_log_change_and_nothing_else_does(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    service = service_of(client)
    caplog.set_level(logging.INFO)
    changes = {"log_level": "warning", "log_format": "json", "access_log": True, "max_rows": 5, "port": 1}
    reload(service, with_settings(service, **changes))
    assert (service.settings.log_level, service.settings.log_format, service.settings.access_log) == (
        ("warning", "json", True)
    )
    assert service.settings.max_rows == Settings().max_rows
    assert [logging.getLogger(name).level for name in ("", "uvicorn.error")] == [logging.WARNING] * 2
    assert [message for message in caplog.messages if message.endswith("restart the service for it.")] == [
        "NALU_PORT has changed; restart the service for it.",
        "NALU_MAX_ROWS has changed; restart the service for it.",
    ]
    reload(service, with_settings(service, log_level="info", access_log=True))
    caplog.clear()
    status(client, "alice")
    assert any(message.startswith("GET /models 200") for message in caplog.messages)
    reload(service, with_settings(service, log_level="info", access_log=False))
    caplog.clear()
    status(client, "alice")
    assert "app.access" not in {record.name for record in caplog.records}


def test_invalid_settings_stay_as_they_were_and_are_logged_and_keys_are_read_all_the_same(
    client: TestClient, keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def read() -> Settings:
        raise SettingsError("NALU_PORT is 'x': must be y.\nNALU_LOG_LEVEL is 'loud': must be z.")

    before = service_of(client).settings
    keys.write_text(ALICE)
    caplog.clear()
    reload(service_of(client), read)
    assert service_of(client).settings is before
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "NALU_PORT is 'x': must be y. The settings that were read before stay.",
        "NALU_LOG_LEVEL is 'loud': must be z. The settings that were read before stay.",
    ]
    assert status(client, "bob") == 401


def test_sighup_reads_the_settings_file_again_and_loses_no_request(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    root, file = tmp_path / "repository", tmp_path / "settings.env"
    write_sum(root)
    file.write_text(
        f"NALU_REPOSITORY={root}\nNALU_API_KEYS_FILE={keys}\nNALU_THREADS=1\nNALU_REPOSITORY_POLL_SECONDS=0"
    )
    monkeypatch.setenv("NALU_SETTINGS_FILE", str(file))
    caplog.set_level(logging.INFO, "app")

    def change() -> None:
        file.write_text(f"{file.read_text()}\nNALU_ACCESS_LOG=true\nNALU_LOG_LEVEL=debug\n")
        keys.write_text(BOB)

    async def scenario() -> None:
        app = create_app()
        service: Service = app.state.service
        async with app.router.lifespan_context(app):
            change()
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.01)
            assert service.settings.access_log
            assert service.access is not None
            assert service.access.keys.find(None, "alice") is None
            bob = service.access.keys.find(None, "bob")
            assert bob is not None
            assert bob.name == "bob"
        assert service.settings.log_level == "debug"

    asyncio.run(asyncio.wait_for(scenario(), 10))
    assert "Read the settings of the log: NALU_LOG_LEVEL=debug, NALU_LOG_FORMAT=text, NALU_ACCESS_LOG=true." in (
        caplog.messages
    )


def test_settings_that_were_given_in_code_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sum(tmp_path)
    monkeypatch.setenv("NALU_LOG_LEVEL", "debug")

    async def scenario() -> None:
        app = create_app(Settings(repository=tmp_path, threads=1, repository_poll_seconds=0))
        async with app.router.lifespan_context(app):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.01)
        assert app.state.service.settings.log_level == "info"

    asyncio.run(asyncio.wait_for(scenario(), 10))


def test_a_hangup_before_the_service_is_up_is_taken_when_it_is() -> None:
    taken: list[int] = []

    async def scenario() -> None:
        with hangups_held():
            signal.pthread_kill(threading.get_ident(), signal.SIGHUP)
            await asyncio.sleep(0.01)
            assert taken == []
            with on_hangup(lambda: taken.append(1)):
                await asyncio.sleep(0.01)
                assert taken == [1]

    before = signal.getsignal(signal.SIGHUP)
    asyncio.run(scenario())
    assert signal.getsignal(signal.SIGHUP) is before
    assert signal.SIGHUP not in signal.pthread_sigmask(signal.SIG_BLOCK, set())


@pytest.mark.parametrize(
    ("ignored", "terminal", "stops"),
    [
        (False, [True, False], True),
        (False, [True, True], False),
        (False, [False, False], False),
        (True, [True, False], False),
    ],
    ids=["closed", "open", "none", "nohup"],
)
def test_a_closed_terminal_stops_the_service_and_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch, ignored: bool, terminal: list[bool], stops: bool
) -> None:
    taken: list[str] = []
    answers = iter(terminal)
    monkeypatch.setattr(reload_module, "_has_terminal", lambda: next(answers))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    term = signal.signal(signal.SIGTERM, lambda *_: taken.append("stop"))

    async def scenario() -> None:
        with on_hangup(lambda: taken.append("reload")):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.02)

    try:
        asyncio.run(scenario())
    finally:
        signal.signal(signal.SIGHUP, before)
        signal.signal(signal.SIGTERM, term)
    assert taken == ["stop" if stops else "reload"]


def test_where_there_is_no_sighup_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload_module, "HANGUP", None)
    before = signal.getsignal(signal.SIGHUP)

    async def scenario() -> None:
        with hangups_held(), on_hangup(lambda: None):
            assert signal.getsignal(signal.SIGHUP) is before

    asyncio.run(scenario())


class Process:
    """Stands in for a worker."""

    def __init__(self, pid: int, exitcode: int | None = None) -> None:
        self.pid, self.exitcode = pid, exitcode


def test_the_supervisor_reloads_and_forwards_and_replaces_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    reloaded: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    with ExitStack() as stack:
        for number in SIGNALS:
            stack.callback(signal.signal, number, signal.getsignal(number))
        supervisor = Supervisor(
            uvicorn.Config("app.__main__:create_worker", workers=2, log_config=None),
            [],
            0.0,
            lambda: reloaded.append(1),
        )
    workers = supervisor.processes = [Process(11), Process(12), Process(13, exitcode=1)]  # type: ignore[list-item]
    supervisor.signal_queue.append(signal.SIGHUP)
    supervisor.handle_signals()
    assert (reloaded, sent) == ([1], [(11, signal.SIGHUP), (12, signal.SIGHUP)])
    assert supervisor.processes is workers
    assert not supervisor.should_exit.is_set()
