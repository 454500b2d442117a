"""A Unix socket in the place of a port: its file, who may connect, and what happens to both."""

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.__main__ import main
from app.settings import SettingsError
from app.transport.shutdown import stop_accepting
from app.transport.unix_socket import bind_unix_socket, check_unix_socket, remove_unix_sockets
from tests.app.factory import write_sum
from tests.app.raw_http import listening


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "s"
    remove_unix_sockets()


def test_requests_are_answered_over_a_unix_socket_and_limits_per_address_leave_them_alone(
    tmp_path: Path, path: Path
) -> None:
    write_sum(tmp_path / "repository")
    bound = bind_unix_socket(path, 0o600)
    with (
        listening(tmp_path / "repository", sockets=[bound], max_connections_per_address=1) as live,
        httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://nalu") as one,
        httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://nalu") as two,
    ):
        for client in (one, two, one):
            answer = client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[3, 4]]})
            assert answer.json()["predictions"] == [[7.0]]
        assert live.counted(status="200") == 3


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_the_file_has_its_mode_whatever_the_process_s_umask_is(path: Path, mode: int) -> None:
    with bind_unix_socket(path, mode):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_file_that_a_killed_process_has_left_is_taken_away(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.is_socket()
    check_unix_socket(path)
    with bind_unix_socket(path, 0o600):
        assert path.is_socket()


def test_a_path_that_is_free_stays_free_after_the_check(path: Path) -> None:
    check_unix_socket(path)
    assert not path.exists()


@pytest.mark.parametrize("kind", ["listening", "file", "folder", "link", "no-folder", "long"])
def test_a_path_that_cannot_be_used_is_named_and_nothing_there_is_touched(
    tmp_path: Path, path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = "where something is that is no socket; give another path."
    other = socket.socket(socket.AF_UNIX)
    if kind == "listening":
        other.bind(str(path))
        other.listen()
        problem = "on which another process listens; stop it, or give another path."
    elif kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "no-folder":
        path = tmp_path / "none" / "s"
        problem = "which cannot be listened on (No such file or directory); give another path with --uds."
    else:
        path = tmp_path / ("s" * 110)
        problem = "which cannot be listened on (AF_UNIX path too long); give another path with --uds."
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr("app.__main__.configure_logging", lambda *_: None)
    with other:
        assert main(["--repository", str(tmp_path), "--uds", str(path)]) == 2
    assert capsys.readouterr().err == f"nalu-serve: NALU_UDS is '{path}', {problem}\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_two_services_cannot_take_one_path_at_the_same_time(path: Path) -> None:
    with bind_unix_socket(path, 0o600), pytest.raises(SettingsError, match="Address already in use"):
        bind_unix_socket(path, 0o600)


def test_when_accepting_stops_new_clients_are_refused_and_waiting_ones_are_accepted(path: Path) -> None:
    with bind_unix_socket(path, 0o600) as listener, socket.socket(socket.AF_UNIX) as early:
        listener.listen()
        early.connect(str(path))
        stop_accepting([listener])
        assert not path.exists()
        with socket.socket(socket.AF_UNIX) as late, pytest.raises(FileNotFoundError):
            late.connect(str(path))
        early.sendall(b"GET /")
        with listener.accept()[0] as served:
            assert served.recv(100) == b"GET /"


def test_the_file_of_a_service_that_has_taken_the_path_since_stays(path: Path) -> None:
    with bind_unix_socket(path, 0o600), socket.socket(socket.AF_UNIX) as next_one:
        path.rename(path.with_name("old"))
        next_one.bind(str(path))
        remove_unix_sockets()
        assert path.is_socket()
