"""Other servers beside the service: pinned, alike in what they answer, and left out where they fail."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import environments
from benchmarks.serving import agreement, bodies, rounds
from benchmarks.serving.comparison import scenarios
from benchmarks.serving.load import Load, LoadError
from benchmarks.serving.peers import start
from benchmarks.serving.peers.catalogue import PEERS, PROGRAMS
from benchmarks.serving.peers.programs import models
from benchmarks.serving.processor_time import own_processor_seconds, processes
from benchmarks.serving.servers import ROOT, Server, stop

PROCESS: Any = None


def server(name: str, is_peer: bool = False) -> Server:
    return Server(name, 81, PROCESS, is_peer)


def seen(rate: float, cpu_us: float) -> dict[str, float]:
    return Load(rate, 1.0, 2.0, 0.1, cpu_us).as_dict()


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_is_pinned_and_has_a_program_that_is_given_the_port(name: str) -> None:
    peer = PEERS[name]
    assert all("==" in requirement for requirement in peer.environment.requirements)
    command = peer.command(Path("python"), 8123)
    assert command[0] == "python"
    assert sum("8123" in word for word in command) == 1
    [program] = [word.partition(":")[0] for word in command if word.startswith(PROGRAMS)]
    assert (ROOT / f"{program.replace('.', '/')}.py").is_file()


def test_rows_and_images_of_the_peers_are_predicted_by_the_models_of_the_service() -> None:
    assert models.predict_rows(models.load(models.ROWS), [[3, 4], [-2, 0.5]]).tolist() == [[12.0], [-1.0]]
    session = models.load(models.IMAGES)
    for sizes in ([28, 28], [28, 60]):  # in one batch, and one by one
        images = models.predict_images(session, [bodies.png(3, sizes[0], 28), bodies.png(2, sizes[1], 28)])
        assert [image["label"] for image in images] == ["3", "2"]
        assert sum(images[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_a_form_is_read_without_its_header() -> None:
    files = [bodies.png(1), bodies.jpeg(2)]
    assert models.form(bodies.image_request(files).content) == ("digit", files)


def test_processor_time_counts_threads_that_have_ended_and_children_of_any_thread() -> None:
    before, children = own_processor_seconds(os.getpid()), []

    def work() -> None:
        end = before + 0.03
        while own_processor_seconds(os.getpid()) < end:
            pass
        children.append(subprocess.Popen(["sleep", "60"]))
        listed.extend(processes(os.getpid()))

    listed: list[int] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    children[0].kill()
    children[0].wait()
    assert own_processor_seconds(os.getpid()) - before >= 0.03
    assert {os.getpid(), children[0].pid} <= set(listed)
    assert own_processor_seconds(children[0].pid) == 0.0


def test_a_peer_that_fails_in_a_scenario_is_left_out_of_it_and_another_server_ends_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def load(script: Path, of: Server, *_: Any) -> Load:
        asked.append(of.name)
        if asked.count(of.name) == 2 and of.name != "service":
            raise LoadError("no answer")
        return Load(100.0, 1.0, 2.0, 0.1, 5.0)

    monkeypatch.setattr(rounds, "run_wrk", load)
    failed: dict[str, str] = {}
    runs = rounds.closed_loop("row", [server("service"), server("slow", is_peer=True)], 2, 1, [1], failed)
    assert {name: len(each) for name, each in runs.items()} == {"service": 2}
    assert failed == {"slow, 1 row, 64 connections": "Scenario 'row' on the slow: no answer"}
    assert "left out: Scenario 'row' on the slow: no answer" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="Scenario 'row' on the echo: no answer"):
        rounds.closed_loop("row", [server("service"), server("echo")], 2, 1, [1], failed)


def test_a_peer_that_does_not_install_or_start_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(command: tuple[str, ...], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, "", "ERROR: No matching distribution\n")

    monkeypatch.setattr(environments.subprocess, "run", fails)
    pythons, failed = start.install(["fastpysgi-echo"], tmp_path)
    assert pythons == {}
    assert failed == {
        "fastpysgi-echo": "fastpysgi does not install (fastpysgi==0.6): ERROR: No matching distribution",
    }
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho Traceback\necho 'ImportError: no granian'\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.undo()
    with start.started({"granian": python}, server("service"), [0], failed) as servers:
        assert servers == []
    assert failed["granian"] == "The granian stopped at its start. ImportError: no granian"


def test_what_answers_otherwise_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "ask", lambda port, body: (200, body.content))
    agreement.check_echo(server("echo"))
    monkeypatch.setattr(agreement, "ask", lambda port, body: (200, body.content[:-1]))
    with pytest.raises(SystemExit, match="granian-echo does not send the body of 'row' back"):
        agreement.check_echo(server("granian-echo"))
    monkeypatch.setattr(agreement, "ask", lambda port, body: (200, b'{"predictions": [[%d]]}' % port))
    with pytest.raises(SystemExit, match="The service and granian differ on 'row'"):
        agreement.check(server("service"), Server("granian", 82, PROCESS))
    monkeypatch.setattr(agreement, "ask", lambda port, body: (500, b"oh"))
    with pytest.raises(SystemExit, match="The granian answered 500 to 'row': b'oh'"):
        agreement.check(server("granian"), server("granian"))


def test_the_page_quotes_processor_time_and_names_who_was_left_out() -> None:
    runs = {"service": [seen(100.0, 60.0)] * 3, "mosec": [seen(50.0, 80.0), seen(200.0, 120.0), seen(50.0, 30.0)]}
    text = "\n".join(scenarios({"scenarios": {"rows": runs}, "failed": {"mlserver": "mlserver does not install."}}))
    assert "| **ours** | 60 |  | 10,000 |" in text
    assert "| mosec | 80 | 0.75 (0.50 to 2.00) | 5,000 | 2.00 (0.50 to 2.00) |" in text
    assert "- *mosec*: mosec==0.9.8, HTTP in Rust" in text
    assert "*granian*" not in text
    assert "- mlserver: mlserver does not install.\n" in text


def test_what_a_server_starts_ends_with_it() -> None:
    parent = subprocess.Popen(["sh", "-c", "sleep 60 & exec sleep 60"])
    while len(processes(parent.pid)) < 2:
        pass
    child = processes(parent.pid)[1]
    stop(parent)
    assert parent.returncode == -signal.SIGTERM
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes():  # empty: a zombie
        assert time.monotonic() < deadline
